package org.optmerge.benchmark.mini.stage;

import org.apiguardian.api.API;

/**
 * A question about a scene.
 *
 * @param type which kind
 * @param text as a user asks it, words of {@link ModalityModel#WORDS} separated by spaces
 * @param answer one token
 */
@API(status = API.Status.EXPERIMENTAL)
public record SceneQuestion(StageQuestionType type, String text, String answer) {}
