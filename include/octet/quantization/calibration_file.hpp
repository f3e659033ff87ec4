#pragma once
#include "calibration.hpp"

/// Calibrations as JSON, to be kept, looked at and edited: a "range": [low, high] added to a tensor overrides what
/// was measured. Needs nlohmann-json.
OCTET_BEGIN

/// Writes a calibration; the file appears whole or not at all.
void save(const Calibration& c, const std::string& path);

/// Reads what save wrote, edited or not.
Calibration load_calibration(const std::string& path);

OCTET_END

#if !defined(OCTET_COMPILED)
#  include "calibration_file.inl"
#endif
