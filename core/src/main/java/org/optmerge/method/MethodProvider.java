package org.optmerge.method;

import java.util.List;
import org.apiguardian.api.API;

/**
 * A list of merge methods that {@link MergeMethods} takes up.
 *
 * <p>Providers are found by {@link java.util.ServiceLoader}: a jar on the class path adds methods
 * to recipes and the command line with a public class of this type and its name in {@code
 * META-INF/services/org.optmerge.method.MethodProvider}.
 */
@API(status = API.Status.EXPERIMENTAL)
public interface MethodProvider {
  /** The methods, in the order in which they are to be listed. */
  List<NamedMethod> methods();
}
