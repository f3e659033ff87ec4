#pragma once
#include <algorithm>
#include <functional>
#include <octet/core/error.hpp>
#include <string>
#include <vector>

namespace testing {

/// The text of the error that f throws; empty if it throws none.
inline std::string message(const std::function<void()>& f) {
  try {
    f();
  } catch (const octet::Error& e) {
    return e.what();
  }
  return {};
}

/// Whether the text has all parts.
inline bool has(const std::string& text, const std::vector<std::string>& parts) {
  return std::all_of(parts.begin(), parts.end(),
                     [&](const std::string& p) { return text.find(p) != std::string::npos; });
}

}  // namespace testing
