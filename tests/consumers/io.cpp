// Checks that octet::io has all dependencies for reading files.
#include <flatbuffers/flatbuffers.h>
#include <stb/stb_image.h>
#include <zlib.h>
#include <octet/core/config.hpp>

#include <nlohmann/json.hpp>
#include <protozero/pbf_reader.hpp>

int main() { return zlibVersion()[0] == ZLIB_VERSION[0] ? 0 : 1; }
