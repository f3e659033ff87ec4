#pragma once
#include <nlohmann/json.hpp>

#include "comparison.hpp"

OCTET_BEGIN

/// results.json: accuracies are fractions, or null where there are no labels.
nlohmann::ordered_json to_json(const ComparisonResult& r);

/// As text; bytes that are no UTF-8 (file names) are replaced.
std::string json_text(const nlohmann::ordered_json& j);

OCTET_END

#if !defined(OCTET_COMPILED)
#  include "json.inl"
#endif
