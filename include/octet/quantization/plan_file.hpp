#pragma once
#include "plan.hpp"

/// Plans as JSON files, which can be read and edited; docs/formats.md describes them. Requires nlohmann-json.
OCTET_BEGIN

/// Writes a plan. The file is replaced atomically. Throws Error, naming the layer or tensor, if the plan is not valid,
/// and FormatError if the file cannot be written.
void save(const QuantizationPlan& plan, const std::string& path);

/// Reads a plan, edited or not. Throws FormatError, naming the file and the layer or tensor, if it is not valid.
QuantizationPlan load_plan(const std::string& path);

OCTET_END

#if !defined(OCTET_COMPILED)
#  include "plan_file.inl"
#endif
