package org.optmerge.method;

import java.util.OptionalInt;

/**
 * A hyperparameter of a merge method that is unknown, missing, of the wrong type or out of range.
 * The message says which, what is allowed and what came.
 */
public final class ParameterException extends IllegalArgumentException {
  private static final long serialVersionUID = 1L;

  private final String method;
  private final String parameter;
  private final int model;
  private final String problem;

  /**
   * A fault in the value of one model.
   *
   * @param method its name in recipes
   * @param parameter its name in recipes
   * @param model the input that the value belongs to, from 1; 0 if it is not of one input
   * @param problem what is wrong, without the method's name
   */
  ParameterException(String method, String parameter, int model, String problem) {
    super(method + ": " + problem);
    this.method = method;
    this.parameter = parameter;
    this.model = model;
    this.problem = problem;
  }

  /** A fault in a value that is not of one model. */
  ParameterException(String method, String parameter, String problem) {
    this(method, parameter, 0, problem);
  }

  /** The same fault under the name that a recipe gives the method. */
  public ParameterException of(String listed) {
    return listed.equals(method) ? this : new ParameterException(listed, parameter, model, problem);
  }

  /** The method's name. */
  public String method() {
    return method;
  }

  /** The parameter's name in recipes. */
  public String parameter() {
    return parameter;
  }

  /** The input that the value belongs to, from 1; empty if it is not of one input. */
  public OptionalInt model() {
    return model == 0 ? OptionalInt.empty() : OptionalInt.of(model);
  }
}
