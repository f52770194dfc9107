/** Methods that need data of the experts, such as Fisher weights or Gram matrices of inputs. */
@NullMarked
package org.optmerge.method.data;

import org.jspecify.annotations.NullMarked;
