#pragma once
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <fstream>
#include <functional>
#include <string>

#include "../core/error.hpp"
#if defined(__unix__) || defined(__APPLE__)
#  include <fcntl.h>
#  include <unistd.h>
#endif

OCTET_BEGIN
namespace detail {

/// Writes a file through `write(std::ostream&)` under a temporary name beside it and renames it when everything is
/// on the disk: a failure leaves the old file as it was and no temporary behind.
template <class Write>
void write_atomically(const std::string& path, Write write) {
#if defined(__unix__) || defined(__APPLE__)
  const std::string temporary = path + ".tmp" + std::to_string(::getpid());
#else
  const std::string temporary = path + ".tmp";
#endif
  struct Remove {
    const std::string& name;
    bool armed = true;
    ~Remove() {
      if (armed) std::remove(name.c_str());
    }
  } cleanup{temporary};
  {
    std::ofstream out(temporary, std::ios::binary | std::ios::trunc);
    require<FormatError>(out.good(), "cannot write '", path, "' (", std::strerror(errno), ")");
    write(static_cast<std::ostream&>(out));
    out.flush();
    require<FormatError>(out.good(), "writing '", path, "' failed (disk full?)");
  }
#if defined(__unix__) || defined(__APPLE__)
  if (const int file = ::open(temporary.c_str(), O_RDONLY); file >= 0) {
    const bool synced = ::fsync(file) == 0;
    ::close(file);
    require<FormatError>(synced, "writing '", path, "' failed");
  }
#else
  std::remove(path.c_str());  // rename does not replace there
#endif
  require<FormatError>(std::rename(temporary.c_str(), path.c_str()) == 0, "cannot rename '", temporary, "' to '", path,
                       "'");
  cleanup.armed = false;
}

}  // namespace detail
OCTET_END
