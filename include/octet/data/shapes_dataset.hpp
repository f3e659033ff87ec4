#pragma once
#include <array>
#include <cmath>

#include "../core/random.hpp"
#include "dataset.hpp"

OCTET_BEGIN

/// A synthetic data set: gray 28 x 28 images of ten classes of shapes, drawn on access. Shapes are rotated, sheared,
/// bent and of random brightness, on a background with gradients, clutter and noise. Image i depends only on the seed
/// and i; its class is i % 10.
class ShapesDataset : public Dataset {
 public:
  static constexpr std::int64_t side = 28;  ///< height and width of the images
  /// A difficulty above 1 increases noise, clutter and the deformation of shapes.
  explicit ShapesDataset(std::int64_t size, std::uint64_t seed = 1, double difficulty = 1)
      : size_(size), seed_(seed), difficulty_(difficulty) {
    detail::require(size >= 0, "a data set cannot have ", size, " images");
  }

  /// Names of the classes 0 to 9.
  static const std::array<const char*, 10>& class_names() {
    static const std::array<const char*, 10> names{"disk", "ring",  "square", "frame",    "triangle",
                                                   "plus", "cross", "star",   "crescent", "heart"};
    return names;
  }

  /// The number of images given to the constructor.
  std::int64_t size() const override { return size_; }
  std::int64_t classes() const override { return 10; }
  std::optional<std::int64_t> label(std::int64_t i) const override { return static_cast<std::int64_t>(at(i) % 10); }
  std::string name(std::int64_t i) const override {
    return std::string(class_names()[at(i) % 10]) + " " + std::to_string(i);
  }

  Tensor<uint8> image(std::int64_t i) const override {
    Random random(seed_ * Random::step + at(i));
    random();
    const Pose pose(random, difficulty_);
    const double ground = random(0.05, 0.4), contrast = random(0.35, 0.6), slope_u = random(-0.12, 0.12),
                 slope_v = random(-0.12, 0.12);
    const double noise = difficulty_ * random(0.01, 0.085);
    std::array<Clutter, 3> clutter;
    for (Clutter& c : clutter)
      c = {random(-1.1, 1.1), random(-1.1, 1.1), random(-1, 1), random(-1, 1), difficulty_ * random(-0.35, 0.35)};
    Tensor<uint8> picture = Tensor<uint8>::uninitialized({side, side, 1});
    for (std::int64_t y = 0; y < side; ++y)
      for (std::int64_t x = 0; x < side; ++x) {
        double covered = 0, lit = 0;
        for (int s = 0; s < 4; ++s) {  // 2 x 2 samples per pixel
          const double u = position(x, s % 2), v = position(y, s / 2);
          const auto [su, sv] = pose.to_shape(u, v);
          covered += inside(i % 10, su, sv) ? 0.25 : 0;
          for (const Clutter& c : clutter) lit += c.covers(u, v) ? 0.25 * c.light : 0;
        }
        const double u = position(x, 0.5), v = position(y, 0.5);
        const double value =
            ground + slope_u * u + slope_v * v + contrast * covered + lit * (1 - covered) + noise * random.normal();
        picture[y * side + x] = static_cast<uint8>(std::min(255.0, std::max(0.0, std::round(value * 255))));
      }
    return picture;
  }

 private:
  struct Random : detail::SplitMix {
    using SplitMix::SplitMix;
    double normal() { return (*this)(-1, 1) + (*this)(-1, 1) + (*this)(-1, 1); }  // close to normal, with variance 1
  };

  /// A short bright or dark stroke.
  struct Clutter {
    double u, v, du, dv, light;
    bool covers(double x, double y) const {
      const double along = (x - u) * du + (y - v) * dv, length = du * du + dv * dv,
                   across = (x - u) * dv - (y - v) * du;
      return std::abs(along) < 0.35 * length && across * across < 0.004 * length;
    }
  };

  /// Position, size, rotation, shear and bend of the shape.
  struct Pose {
    double a, b, c, d, shift_u, shift_v, bend, waves, phase;
    Pose(Random& r, double difficulty) {
      const double angle = difficulty * r(-0.25, 0.25), size = r(0.68, 0.95), stretch = r(0.88, 1.14),
                   shear = difficulty * r(-0.15, 0.15);
      const double wide = 1 / (size * stretch), high = stretch / size;
      a = std::cos(angle) * wide;
      b = (std::sin(angle) + shear) * wide;
      c = -std::sin(angle) * high;
      d = std::cos(angle) * high;
      shift_u = difficulty * r(-0.14, 0.14);
      shift_v = difficulty * r(-0.14, 0.14);
      bend = difficulty * r(0, 0.1);
      waves = r(2, 5);
      phase = r(0, 6.2831853);
    }
    std::pair<double, double> to_shape(double u, double v) const {
      const double x = u - shift_u, y = v - shift_v;
      return {a * x + b * y + bend * std::sin(waves * y + phase), c * x + d * y + bend * std::cos(waves * x + phase)};
    }
  };

  static double position(std::int64_t pixel, double part) {
    return (static_cast<double>(pixel) + 0.25 + 0.5 * part) * 2 / static_cast<double>(side) - 1;
  }

  /// Whether a point is inside the shape of a class, which fills about [-1, 1]^2. v points down.
  static bool inside(std::int64_t shape, double u, double v) {
    const double r = std::hypot(u, v), box = std::max(std::abs(u), std::abs(v));
    const auto bars = [](double p, double q) {
      return std::min(std::abs(p), std::abs(q)) < 0.24 && std::max(std::abs(p), std::abs(q)) < 0.9;
    };
    switch (shape) {
      case 0: return r < 0.85;
      case 1: return r < 0.9 && r > 0.5;
      case 2: return box < 0.75;
      case 3: return box < 0.8 && box > 0.44;
      case 4: return v < 0.75 && v > 1.9 * std::abs(u) - 0.95;
      case 5: return bars(u, v);
      case 6: return bars((u + v) * 0.70710678, (u - v) * 0.70710678);
      case 7: {
        const double fifth = 1.25663706, turn = std::atan2(u, -v) + 10 * fifth;
        const double off =
            std::abs(turn - fifth * std::floor(turn / fifth + 0.5));  // angle to the nearest tip of the star
        return r * (std::cos(off) + 1.4 * std::sin(off)) < 0.95;
      }
      case 8: return r < 0.9 && std::hypot(u - 0.42, v) > 0.66;
      default: {
        const double h = std::abs(u), w = -v + 0.05 - 0.55 * std::sqrt(std::min(h, 0.9));
        return h * h + 1.4 * w * w < 0.62;
      }
    }
  }

  std::int64_t size_;
  std::uint64_t seed_;
  double difficulty_;
};

OCTET_END
