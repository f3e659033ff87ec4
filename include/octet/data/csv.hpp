#pragma once
#include <string>
#include <vector>

#include "../core/error.hpp"

OCTET_BEGIN
namespace detail {

using CsvRow = std::vector<std::string>;

/// Parses comma-separated values (RFC 4180: fields may be "quoted", with "" for a quote; lines end in LF or CRLF).
/// Empty lines and a byte order mark are skipped. `what` names the text in errors.
inline std::vector<CsvRow> parse_csv(const std::string& text, const std::string& what) {
  std::vector<CsvRow> rows;
  CsvRow row;
  std::string field;
  bool quoted = false, was_quoted = false;
  const auto end_field = [&] {
    row.push_back(field);
    field.clear();
    was_quoted = false;
  };
  const auto end_row = [&] {
    if (row.empty() && field.empty() && !was_quoted) return;
    end_field();
    rows.push_back(row);
    row.clear();
  };
  for (std::size_t i = text.compare(0, 3, "\xef\xbb\xbf") == 0 ? 3 : 0; i < text.size(); ++i) {
    const char c = text[i];
    if (quoted) {
      if (c != '"')
        field += c;
      else if (i + 1 < text.size() && text[i + 1] == '"')
        field += text[++i];
      else
        quoted = false;
    } else if (c == '"' && field.empty() && !was_quoted) {
      quoted = was_quoted = true;
    } else if (c == ',') {
      end_field();
    } else if (c == '\n') {
      end_row();
    } else if (c != '\r' || i + 1 >= text.size() || text[i + 1] != '\n') {
      field += c;
    }
  }
  require<FormatError>(!quoted, what, ": row ", rows.size() + 1, " has a quote that is not closed");
  end_row();
  return rows;
}

/// The text without whitespace at its ends.
inline std::string trimmed(const std::string& s) {
  const auto first = s.find_first_not_of(" \t\r\n"), last = s.find_last_not_of(" \t\r\n");
  return first == std::string::npos ? std::string() : s.substr(first, last - first + 1);
}

/// The text with ASCII letters in lower case.
inline std::string lowered(std::string s) {
  for (char& c : s)
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
  return s;
}

}  // namespace detail
OCTET_END
