#pragma once
#include "calibration.hpp"

/// Calibrations as JSON files, which can be edited: a "range": [low, high] added to a tensor overrides what was
/// measured. Requires nlohmann-json.
OCTET_BEGIN

/// Writes a calibration. The file is replaced atomically. Throws FormatError if it cannot be written.
void save(const Calibration& c, const std::string& path);

/// Reads a file that save wrote. Throws FormatError, naming the file and the tensor, if it is not valid.
Calibration load_calibration(const std::string& path);

OCTET_END

#if !defined(OCTET_COMPILED)
#  include "calibration_file.inl"
#endif
