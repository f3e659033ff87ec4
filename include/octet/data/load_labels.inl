#pragma once
#include <algorithm>

#include "../files/read_file.hpp"
#include "csv.hpp"
#include "load_labels.hpp"

OCTET_BEGIN
namespace detail {

/// Whether the text begins with an ImageNet synset such as n01440764.
inline bool starts_with_synset(const std::string& s) {
  return s.size() >= 9 && s[0] == 'n' && s.substr(1, 8).find_first_not_of("0123456789") == std::string::npos &&
         (s.size() == 9 || s[9] == ' ' || s[9] == '\t');
}

inline Labels labels_from_csv(std::vector<CsvRow> rows, const std::string& what) {
  constexpr const char* headings[] = {"label",  "name",  "class", "class_name", "wnid",
                                      "synset", "index", "id",    "number"};
  const auto is_heading = [&](const std::string& f) {
    return std::find(std::begin(headings), std::end(headings), lowered(trimmed(f))) != std::end(headings);
  };
  require<FormatError>(!rows.empty() && !rows[0].empty(), what, " is empty");
  std::size_t name = rows[0].size() - 1;
  if (std::all_of(rows[0].begin(), rows[0].end(), is_heading)) {
    for (std::size_t c = rows[0].size(); c-- > 0;)
      if (const std::string h = lowered(trimmed(rows[0][c])); h == "label" || h == "name" || h == "class_name")
        name = c;
    rows.erase(rows.begin());
  }
  const auto numbered = [&](const CsvRow& r) { return r.size() > 1 && name != 0 && class_number(trimmed(r[0])); };
  const bool indexed = std::all_of(rows.begin(), rows.end(), numbered);
  Labels labels;
  for (std::size_t r = 0; r < rows.size(); ++r) {
    require<FormatError>(name < rows[r].size(), what, ": row ", r + 1, " has ", rows[r].size(),
                         " columns, expected at least ", name + 1);
    const std::int64_t i = indexed ? *class_number(trimmed(rows[r][0])) : static_cast<std::int64_t>(r);
    labels.set(i, trimmed(rows[r][name]));
    for (std::size_t c = indexed ? 1 : 0; c < rows[r].size(); ++c)
      if (c != name) labels.add_alias(i, trimmed(rows[r][c]));
  }
  return labels;
}

/// `numbers`: lines may begin with the number of their class.
inline Labels labels_from_lines(const std::string& text, const std::string& what, bool numbers) {
  std::vector<std::string> lines;
  for (std::size_t at = 0; at < text.size();) {
    const std::size_t end = std::min(text.find('\n', at), text.size());
    lines.push_back(trimmed(text.substr(at, end - at)));
    at = end + 1;
  }
  while (!lines.empty() && lines.back().empty()) lines.pop_back();
  require<FormatError>(!lines.empty(), what, " is empty");
  require<FormatError>(static_cast<std::int64_t>(lines.size()) <= max_classes, what, " has more than ", max_classes,
                       " lines");
  // "17:name" or "17 name". Lines with only a number are names.
  const auto split = [](const std::string& line) { return line.find_first_of(": \t"); };
  const bool indexed = numbers && std::all_of(lines.begin(), lines.end(), [&](const std::string& l) {
                         return l.empty() || (split(l) != std::string::npos && class_number(l.substr(0, split(l))));
                       });
  Labels labels;
  for (std::size_t l = 0; l < lines.size(); ++l) {
    std::int64_t i = static_cast<std::int64_t>(l);
    std::string name = lines[l], synset;
    if (indexed && !name.empty()) {
      i = *class_number(name.substr(0, split(name)));
      name = trimmed(name.substr(split(name) + 1));
    }
    if (starts_with_synset(name) && name.size() > 9) {
      synset = name.substr(0, 9);
      name = trimmed(name.substr(9));
    }
    labels.set(i, name);
    labels.add_alias(i, synset);
  }
  return labels;
}

}  // namespace detail

OCTET_API Labels load_labels(const std::string& path) {
  const std::string text = detail::read_file(path, std::int64_t{64} << 20), what = "label list '" + path + "'";
  const bool csv = path.size() > 4 && detail::lowered(path.substr(path.size() - 4)) == ".csv";
  return csv ? detail::labels_from_csv(detail::parse_csv(text, what), what)
             : detail::labels_from_lines(text, what, true);
}

OCTET_API Labels parse_labels(const std::string& text, const std::string& what) {
  return detail::labels_from_lines(text, what, false);
}

OCTET_API std::string labels_text(const Labels& labels) {
  std::string text;
  for (std::int64_t i = 0; i < labels.size(); ++i) {
    std::string name = labels.name(i);
    for (char& c : name)
      if (c == '\n' || c == '\r') c = ' ';
    text += name + "\n";
  }
  return text;
}

OCTET_END
