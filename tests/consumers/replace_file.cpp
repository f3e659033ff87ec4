// Writes a file twice. Also compiled with the code for systems without POSIX.
#include <octet/files/atomic_file.hpp>
#include <octet/files/read_file.hpp>

int main(int, char** arguments) {
  const std::string path = arguments[1] + std::string("/replaced");
  for (const char* text : {"old", "new"}) octet::write_file(path, text);
  return octet::detail::read_file(path, 100) == "new" ? 0 : 1;
}
