package org.optmerge.benchmark.mini.stage;

/**
 * A question about a scene.
 *
 * @param type which kind
 * @param text as a user asks it, words of {@link ModalityModel#WORDS} separated by spaces
 * @param answer one token
 */
public record SceneQuestion(StageQuestionType type, String text, String answer) {}
