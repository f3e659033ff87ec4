#include <octet/kernels/implementation.hpp>
