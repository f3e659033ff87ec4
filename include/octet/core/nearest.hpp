#pragma once
#include <algorithm>
#include <string>
#include <utility>
#include <vector>

#include "config.hpp"

/// Suggestions for names that do not exist.
OCTET_BEGIN
namespace detail {

/// The number of characters to insert, remove or replace to make b of a (Levenshtein distance).
inline std::size_t edit_distance(const std::string& a, const std::string& b) {
  std::vector<std::size_t> row(b.size() + 1);
  for (std::size_t j = 0; j <= b.size(); ++j) row[j] = j;
  for (std::size_t i = 1; i <= a.size(); ++i) {
    std::size_t diagonal = row[0];
    row[0] = i;
    for (std::size_t j = 1; j <= b.size(); ++j) {
      const std::size_t replaced = diagonal + (a[i - 1] != b[j - 1]);
      diagonal = row[j];
      row[j] = std::min({replaced, row[j] + 1, row[j - 1] + 1});
    }
  }
  return row[b.size()];
}

/// "; the nearest names are 'a', 'b'", for messages: at most three of the names, nearest first. Empty if none is near.
/// A name that contains the text, or differs only in case, is near.
inline std::string suggestions(std::string text, const std::vector<std::string>& names) {
  const auto lower = [](std::string s) {
    for (char& c : s) c = c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
    return s;
  };
  text = lower(text.substr(0, 256));
  std::vector<std::pair<std::size_t, const std::string*>> near;
  for (const std::string& name : names) {
    const std::string other = lower(name.substr(0, 256));
    const bool contains = text.size() >= 3 && other.find(text) != std::string::npos;
    const std::size_t distance = contains ? 1 : edit_distance(text, other);
    if (distance <= std::max<std::size_t>(1, text.size() / 3)) near.emplace_back(distance, &name);
  }
  std::stable_sort(near.begin(), near.end(), [](const auto& a, const auto& b) { return a.first < b.first; });
  std::string list;
  for (std::size_t i = 0; i < near.size() && i < 3; ++i) list += (i ? ", '" : "'") + *near[i].second + "'";
  if (list.empty()) return {};
  return (near.size() == 1 ? "; the nearest name is " : "; the nearest names are ") + list;
}

}  // namespace detail
OCTET_END
