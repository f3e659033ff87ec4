#pragma once
#include <string>

#include "labels.hpp"

OCTET_BEGIN

/// Reads a list of classes. Text files have one class per line: "name", "index:name", "index name" or "n01440764 tench,
/// ...". In .csv files, the column `label` or `name` (else the last) has the names; other columns are further names or,
/// if the first one is a number, the index. Throws FormatError if the file is not valid.
Labels load_labels(const std::string& path);

/// Reads the list that a model has in Graph::metadata["labels"]: one name per line, that of class 0 first. Lines do not
/// begin with the number of their class ("7 seven" is a name), but may be "n01440764 tench, ...". `what`: what messages
/// call it.
Labels parse_labels(const std::string& text, const std::string& what);

/// Writes a list as that text. Line breaks within a name become spaces; class 17, if it has no name, is "class 17".
std::string labels_text(const Labels& labels);

OCTET_END

#if !defined(OCTET_COMPILED)
#  include "load_labels.inl"
#endif
