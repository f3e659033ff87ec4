#pragma once
#include <chrono>
#include <cstdio>
#if defined(__unix__) || defined(__APPLE__)
#  include <unistd.h>
#endif

#include "reports.hpp"

OCTET_BEGIN
namespace detail {

/// Shows the progress of training on stderr, if that is a terminal: a bar during an epoch, a line after it.
class TrainingProgress {
 public:
  TrainingProgress(bool wanted, bool classifies) : shown_(wanted && is_terminal()), classifies_(classifies) {}
  ~TrainingProgress() { clear(); }
  TrainingProgress(const TrainingProgress&) = delete;
  TrainingProgress& operator=(const TrainingProgress&) = delete;

  void step(const StepReport& r) {
    const auto now = std::chrono::steady_clock::now();
    if (!shown_ || (visible_ && now - drawn_ < std::chrono::milliseconds(100) && r.step < r.steps)) return;
    drawn_ = now;
    visible_ = true;
    constexpr int width = 24;
    const int full = static_cast<int>(width * r.step / std::max<std::int64_t>(1, r.steps));
    std::fprintf(stderr, "\repoch %lld/%lld [%.*s%.*s]", number(r.epoch), number(r.epochs), full, hashes, width - full,
                 dots);
    numbers(r.mean_loss, r.accuracy);
    const auto left = static_cast<std::int64_t>(r.seconds_left);
    std::fprintf(stderr, "  %.0f images/s  %lld:%02lld left\x1b[K", r.images_per_second, number(left / 60),
                 number(left % 60));
    std::fflush(stderr);
  }

  void epoch(const EpochReport& r) {
    if (!shown_) return;
    clear();
    std::fprintf(stderr, "epoch %lld/%lld", number(r.epoch), number(r.epochs));
    numbers(r.loss, r.accuracy);
    if (r.validation) {
      std::fprintf(stderr, "  held out:");
      numbers(r.validation->loss, r.validation->accuracy);
    }
    std::fprintf(stderr, "  %.0f images/s  %.1f s\n", r.images_per_second, r.seconds);
  }

 private:
  static constexpr const char *hashes = "########################", *dots = "........................";
  static long long number(std::int64_t n) { return static_cast<long long>(n); }
  static bool is_terminal() {
#if defined(__unix__) || defined(__APPLE__)
    return ::isatty(fileno(stderr)) != 0;
#else
    return false;
#endif
  }
  void numbers(double loss, double accuracy) const {
    std::fprintf(stderr, "  loss %.4f", loss);
    if (classifies_) std::fprintf(stderr, "  accuracy %.2f %%", 100 * accuracy);
  }
  void clear() {
    if (visible_) std::fprintf(stderr, "\r\x1b[K");
    visible_ = false;
  }

  bool shown_, classifies_, visible_ = false;
  std::chrono::steady_clock::time_point drawn_{};
};

}  // namespace detail
OCTET_END
