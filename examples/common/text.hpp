#pragma once
#include <octet/core/error.hpp>
#include <sstream>
#include <string>

/// Texts made of parts, as in octet's own messages, and errors with such texts.

/// The parts one after another, each as a stream prints it.
template <class... Parts>
std::string concat(const Parts&... parts) {
  std::ostringstream text;
  (text << ... << parts);
  return text.str();
}

/// Throws E with the text of the parts unless `condition` holds.
template <class E = octet::Error, class... Parts>
void require(bool condition, const Parts&... parts) {
  if (!condition) throw E(concat(parts...));
}
