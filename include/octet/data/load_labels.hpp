#pragma once
#include <string>

#include "labels.hpp"

OCTET_BEGIN

/// Reads a list of classes. Text files have one class per line: "name", "index:name", "index name" or "n01440764 tench,
/// ...". In .csv files, the column `label` or `name` (else the last) has the names; other columns are further names or,
/// if the first one is a number, the index. Throws FormatError if the file is not valid.
Labels load_labels(const std::string& path);

/// The same of the text of such a file, as Graph::metadata["labels"] has it. `what`: what messages call it.
Labels parse_labels(const std::string& text, const std::string& what);

OCTET_END

#if !defined(OCTET_COMPILED)
#  include "load_labels.inl"
#endif
