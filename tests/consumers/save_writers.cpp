#include <octet/io/save.hpp>
