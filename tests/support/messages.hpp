#pragma once
#include <algorithm>
#include <octet/core/error.hpp>
#include <string>
#include <vector>

namespace testing {

/// The text of the error that f throws; empty if it throws none. Only errors of class E, and of those derived from it,
/// are expected.
template <class E = octet::Error, class F>
std::string message(const F& f) {
  try {
    f();
  } catch (const E& e) {
    return e.what();
  }
  return {};
}

inline bool contains(const std::string& text, const std::string& part) { return text.find(part) != std::string::npos; }

/// Whether the text has all parts.
inline bool has(const std::string& text, const std::vector<std::string>& parts) {
  return std::all_of(parts.begin(), parts.end(), [&](const std::string& p) { return contains(text, p); });
}

}  // namespace testing
