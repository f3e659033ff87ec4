#pragma once
#include <unistd.h>
#include <chrono>
#include <cstdint>
#include <cstdio>
#include <string>

/// A progress bar on stderr. Prints nothing if stderr is not a terminal.
class Progress {
 public:
  Progress() : shown_(isatty(fileno(stderr)) != 0) {}
  ~Progress() { clear(); }
  Progress(const Progress&) = delete;
  Progress& operator=(const Progress&) = delete;

  void operator()(const std::string& stage, std::int64_t done, std::int64_t total) {
    const auto now = std::chrono::steady_clock::now();
    const bool drawn_lately = stage == stage_ && now - drawn_ < std::chrono::milliseconds(80) && done < total;
    if (!shown_ || drawn_lately) return;
    stage_ = stage;
    drawn_ = now;
    constexpr int width = 30;
    const int full = total > 0 ? static_cast<int>(width * done / total) : 0;
    std::fprintf(stderr, "\r%-20s [%s%s] %lld/%lld\x1b[K", stage.c_str(),
                 std::string(static_cast<std::size_t>(full), '#').c_str(),
                 std::string(static_cast<std::size_t>(width - full), '.').c_str(), static_cast<long long>(done),
                 static_cast<long long>(total));
    std::fflush(stderr);
    visible_ = true;
  }
  /// Removes the bar before something else is printed.
  void clear() {
    if (visible_) std::fprintf(stderr, "\r\x1b[K");
    visible_ = false;
  }

 private:
  bool shown_, visible_ = false;
  std::string stage_;
  std::chrono::steady_clock::time_point drawn_{};
};
