#include <octet/implementation.hpp>
