#pragma once
#include <ostream>

#include "atomic_file.hpp"
#include "output_file.hpp"

OCTET_BEGIN
namespace detail {

OCTET_API void write_atomically(const std::string& path, const std::function<void(std::ostream&)>& write) {
  OutputFile file(path);
  std::ostream out(file.buffer());
  write(out);
  out.flush();
  file.publish(out.good());
}

}  // namespace detail

OCTET_API void write_file(const std::string& path, std::string_view text) {
  detail::write_atomically(path, [&](std::ostream& out) { out << text; });
}

OCTET_API void require_writable(const std::string& path) { detail::OutputFile{path}; }

OCTET_END
