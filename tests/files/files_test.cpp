#include <dirent.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/un.h>
#include <sys/wait.h>

#include <atomic>
#include <chrono>
#include <octet/files/atomic_file.hpp>
#include <octet/files/map_file.hpp>
#include <octet/files/output_file.hpp>
#include <thread>

#include "support/files.hpp"
#include "testing.hpp"

#if defined(__linux__)
#  include <sys/syscall.h>

namespace {
std::atomic<bool> removes_what_is_locked{false};
}

/// Replaces the C library's flock: simulates another process that removes a temporary file before it is locked.
extern "C" int flock(int file, int operation) noexcept {
  if (removes_what_is_locked) {
    std::error_code ignored;
    std::filesystem::remove(std::filesystem::read_symlink("/proc/self/fd/" + std::to_string(file), ignored), ignored);
  }
  return static_cast<int>(::syscall(SYS_flock, file, operation));
}
#endif

using namespace testing;
using octet::require_writable;
using octet::detail::InputFile;
using octet::detail::map_file;
using octet::detail::OutputFile;
using octet::detail::read_file;
using octet::detail::write_atomically;

namespace {

void save_text(const std::string& path, const std::string& text) {
  write_atomically(path, [&](std::ostream& out) { out << text; });
}

std::vector<std::string> names_in(const std::string& folder) {
  std::vector<std::string> names;
  for (const auto& entry : std::filesystem::directory_iterator(folder)) names.push_back(entry.path().filename());
  std::sort(names.begin(), names.end());
  return names;
}

unsigned mode_of(const std::string& path) {
  struct stat status;
  REQUIRE(::lstat(path.c_str(), &status) == 0);
  return status.st_mode & 07777;
}

/// Runs f in another process and returns its exit status, or minus the signal that ended it.
template <class F>
int in_other_process(F f) {
  const pid_t child = ::fork();
  if (child == 0) ::_exit(f());
  int status = 0;
  ::waitpid(child, &status, 0);
  return WIFEXITED(status) ? WEXITSTATUS(status) : -WTERMSIG(status);
}

/// Files that are not regular. Devices only if this user may create them.
std::vector<std::string> make_special_files(const TemporaryFolder& folder) {
  std::vector<std::string> made{folder / "fifo", folder / "socket", folder / "folder"};
  REQUIRE(::mkfifo(made[0].c_str(), 0666) == 0);
  const int s = ::socket(AF_UNIX, SOCK_STREAM, 0);
  struct sockaddr_un address {};
  address.sun_family = AF_UNIX;
  std::snprintf(address.sun_path, sizeof address.sun_path, "%s", made[1].c_str());
  REQUIRE(::bind(s, reinterpret_cast<const struct sockaddr*>(&address), sizeof address) == 0);
  ::close(s);
  REQUIRE(::mkdir(made[2].c_str(), 0777) == 0);
  const std::string device = folder / "device";
  if (::mknod(device.c_str(), S_IFCHR | 0666, makedev(1, 3)) == 0) made.push_back(device);
  return made;
}

/// Saves and loads texts of one letter, each with a different length, for a given time. Returns how many were damaged.
int save_and_load(const std::string& path, int seed, std::chrono::milliseconds duration) {
  const auto end = std::chrono::steady_clock::now() + duration;
  int damaged = 0;
  for (int i = seed; std::chrono::steady_clock::now() < end; i += 7) {
    const int letter = i % 26;
    try {
      save_text(path, std::string(static_cast<std::size_t>(100000 + 1000 * letter), static_cast<char>('a' + letter)));
      const std::string found = contents(path);
      const std::string whole(static_cast<std::size_t>(100000 + 1000 * (found.at(0) - 'a')), found[0]);
      damaged += found != whole;
    } catch (const std::exception&) {
      ++damaged;
    }
  }
  return damaged;
}

}  // namespace

TEST_CASE("files: threads and processes can save and load one file at the same time") {
  const TemporaryFolder folder;
  const std::string path = folder / "file";
  const auto four_threads = [&](int seed) {
    std::atomic<int> damaged{0};
    std::vector<std::thread> threads;
    for (int t = 0; t < 4; ++t)
      threads.emplace_back([&, t] { damaged += save_and_load(path, seed + t, std::chrono::milliseconds(1500)); });
    for (std::thread& t : threads) t.join();
    return damaged.load();
  };
  std::vector<pid_t> children;
  for (int p = 0; p < 2; ++p) {
    const pid_t child = ::fork();
    if (child == 0) ::_exit(four_threads(100 * p) > 0);
    children.push_back(child);
  }
  for (const pid_t child : children) {
    int status = -1;
    ::waitpid(child, &status, 0);
    CHECK((WIFEXITED(status) && WEXITSTATUS(status) == 0));
  }
  CHECK(names_in(folder / "") == std::vector<std::string>{"file"});
}

TEST_CASE("files: temporary files of crashed writers are removed, others are not") {
  const TemporaryFolder folder;
  const std::string path = folder.write("file", "old");
  const int killed = in_other_process([&] {
    OutputFile file(path);
    std::ostream(file.buffer()) << "half" << std::flush;
    return ::raise(SIGKILL);
  });
  CHECK(killed == -SIGKILL);
  CHECK(contents(path) == "old");
  CHECK(names_in(folder / "").size() == 2);
  {
    OutputFile alive(folder / "other");
    std::ostream(alive.buffer()) << "alive";
    save_text(path, "new");
    CHECK(names_in(folder / "").size() == 2);
    alive.publish(true);
  }
  CHECK(contents(path) == "new");
  CHECK(names_in(folder / "") == std::vector<std::string>{"file", "other"});
  // Files with similar names.
  for (const char* name : {".octet-1.tmp", ".octet-1-0123456789abcdef.tmp2", ".octet-notes-0123456789abcdef.tmp"})
    folder.write(name, "mine");
  save_text(path, "newer");
  CHECK(names_in(folder / "").size() == 5);
}

#if defined(__linux__)
TEST_CASE("files: a temporary file that is always removed is an error") {
  const TemporaryFolder folder;
  const std::string path = folder.write("file", "old");
  removes_what_is_locked = true;
  CHECK_THROWS_AS(require_writable(path), octet::FormatError);
  CHECK_THROWS_AS(save_text(path, "new"), octet::FormatError);
  removes_what_is_locked = false;
  CHECK(contents(path) == "old");
  save_text(path, "new");
  CHECK(contents(path) == "new");
}
#endif

TEST_CASE("files: a stale temporary file of another user is ignored") {
  if (::geteuid() != 0) return;  // requires two users
  const TemporaryFolder folder;
  REQUIRE(::chmod((folder / "").c_str(), 01777) == 0);
  const std::string stale = folder.write(".octet-1-0123456789abcdef.tmp", "half");
  REQUIRE(::chmod(stale.c_str(), 0600) == 0);
  const std::string unwritable = folder / "unwritable";
  REQUIRE(::mkdir(unwritable.c_str(), 0755) == 0);
  const std::string old = folder.write("unwritable/old", "old");
  const std::string read_only = folder.write("read_only", "old");
  const int failed = in_other_process([&] {
    if (::setgid(65534) != 0 || ::setuid(65534) != 0) return 1;
    try {
      save_text(folder / "file", "new");
    } catch (const Error&) {
      return 2;
    }
    for (const std::string& path : {old, unwritable + "/new", read_only}) try {
        save_text(path, "new");
        return 3;
      } catch (const FormatError&) {
      }
    return 0;
  });
  CHECK(failed == 0);
  CHECK(contents(folder / "file") == "new");
  CHECK(contents(old) == "old");
  CHECK(contents(read_only) == "old");
  CHECK(names_in(unwritable) == std::vector<std::string>{"old"});
  CHECK(std::filesystem::exists(stale));
}

TEST_CASE("files: permissions, owners and links are kept") {
  const TemporaryFolder folder;
  for (const unsigned mode : {0640u, 0600u, 0644u, 0660u, 0700u}) {
    const std::string path = folder.write("file", "old");
    REQUIRE(::chmod(path.c_str(), mode) == 0);
    if (::geteuid() == 0) REQUIRE(::chown(path.c_str(), 65534, 65534) == 0);
    save_text(path, "new");
    CHECK(mode_of(path) == mode);
    struct stat status;
    REQUIRE(::stat(path.c_str(), &status) == 0);
    if (::geteuid() == 0) CHECK((status.st_uid == 65534 && status.st_gid == 65534));
  }
  const mode_t before = ::umask(027);
  save_text(folder / "fresh", "new");
  ::umask(before);
  CHECK(mode_of(folder / "fresh") == 0640);

  folder.write("models/target", "old");
  std::filesystem::create_symlink("models/target", folder / "link");
  std::filesystem::create_symlink("../link", folder / "models/back");
  std::filesystem::create_symlink("models/none", folder / "dangling");
  std::filesystem::create_symlink("loop", folder / "loop");
  save_text(folder / "models/back", "new");
  save_text(folder / "dangling", "made");
  CHECK(contents(folder / "models/target") == "new");
  CHECK(contents(folder / "models/none") == "made");
  for (const char* link : {"link", "models/back", "dangling"}) CHECK(std::filesystem::is_symlink(folder / link));
  CHECK_THROWS_AS(save_text(folder / "loop", "new"), FormatError);
  CHECK(std::filesystem::is_symlink(folder / "loop"));
  CHECK(names_in(folder / "models") == std::vector<std::string>{"back", "none", "target"});
}

TEST_CASE("files: only regular files are replaced") {
  const TemporaryFolder folder;
  for (const std::string& path : make_special_files(folder)) {
    struct stat before, after;
    REQUIRE(::lstat(path.c_str(), &before) == 0);
    CHECK_THROWS_WITH_AS(save_text(path, "new"), doctest::Contains("(it is a "), FormatError);
    CHECK_THROWS_WITH_AS(require_writable(path), doctest::Contains("(it is a "), FormatError);
    REQUIRE(::lstat(path.c_str(), &after) == 0);
    CHECK((after.st_ino == before.st_ino && after.st_mode == before.st_mode));
    std::filesystem::create_symlink(path, folder / "link");
    CHECK_THROWS_AS(save_text(folder / "link", "new"), FormatError);
    CHECK(std::filesystem::is_symlink(folder / "link"));
    std::filesystem::remove(folder / "link");
  }
  for (const char* bad : {"no/such/file", "folder/", ""})
    CHECK_THROWS_AS(save_text(*bad ? folder / bad : std::string(), "new"), FormatError);
  CHECK(std::filesystem::is_empty(folder / "folder"));
}

TEST_CASE("files: the old file is kept if the disk is full") {
  const TemporaryFolder folder;
  const std::string path = folder.write("file", "old");
  const int failed = in_other_process([&] {
    const struct rlimit limit { 10000, 10000 };
    ::signal(SIGXFSZ, SIG_IGN);
    if (::setrlimit(RLIMIT_FSIZE, &limit) != 0) return 1;
    for (const std::size_t size : {std::size_t{20000}, std::size_t{1000000}}) try {
        save_text(path, std::string(size, 'x'));
        return 2;
      } catch (const FormatError& e) {
        if (std::string(e.what()).find("failed (") == std::string::npos) return 3;
      }
    return 0;
  });
  CHECK(failed == 0);
  CHECK(contents(path) == "old");
  // The same if a writer throws.
  CHECK_THROWS_AS(write_atomically(path, [](std::ostream&) { octet::detail::fail<FormatError>("no"); }), FormatError);
  CHECK(contents(path) == "old");
  CHECK(names_in(folder / "") == std::vector<std::string>{"file"});
}

TEST_CASE("files: only regular files are read") {
  const TemporaryFolder folder;
  std::vector<std::string> paths = make_special_files(folder);
  for (const std::string& path : std::vector<std::string>(paths)) {
    paths.push_back(path + "_link");
    std::filesystem::create_symlink(path, paths.back());
  }
  for (const std::string& path : paths) {
    CHECK_THROWS_WITH_AS(InputFile{path}, doctest::Contains("(it is a "), FormatError);
    CHECK_THROWS_AS(map_file(path), FormatError);
    CHECK_THROWS_AS(read_file(path, 1000), FormatError);
  }
  CHECK_THROWS_WITH_AS(InputFile{folder / "none"}, doctest::Contains("No such file"), FormatError);
  const std::string path = folder.write("file", "0123456789");
  CHECK(read_file(path, 10) == "0123456789");
  CHECK_THROWS_AS(read_file(path, 9), FormatError);
  InputFile file(path);
  file.seek(7);
  char text[10];
  CHECK(file.read(text, 10) == 3);
  CHECK(map_file(folder.write("empty", "")).size == 0);
}
