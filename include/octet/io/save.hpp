#pragma once
/// octet::save for all formats. In compiled use, octet/io/load.hpp is enough; in header-only use, that writes only
/// .octet files unless a file of the program includes this header, since most programs need not compile the other
/// writers.
#include "../export/save.hpp"
#if !defined(OCTET_COMPILED)
#  include "../export/add_writers.hpp"
#endif
