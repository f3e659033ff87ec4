#pragma once
#include "../core/linear_log.hpp"
#include "calibration.hpp"
#include "channel_groups.hpp"
#include "layer_magnitudes.hpp"
#include "rescale.hpp"

/// Cross-layer equalization (Nagel, van Baalen, Blankevoort, Welling 2019, "Data-free quantization through weight
/// equalization and bias correction", arXiv 1906.04721, equations 9 to 11): with y = f(W1 x + b1), z = W2 y and
/// f(s y) = s f(y) for s > 0, row i of W1 [O, ..., C] and b1 can be multiplied by s_i, and column i of W2 divided by
/// it. The paper's s_i = sqrt(r1_i r2_i) / r2_i makes the ranges of the row (r1_i) and the column (r2_i) equal.
///
/// Here the precision p of channel i is equalized in all tensors that have it: the ratio of its largest magnitude to
/// that of the numbers it shares a scale with. These are activations [N, ..., C]; with one scale for all weights, rows
/// and columns of weights; with one for each row, columns, relative to their rows. Depthwise weights are then free.
/// Channels that were always zero have no precision, but their columns, which may be of any size, are in the rows that
/// set the scale: a factor makes them no larger than the others. Channels that sums and concats join have one factor.
/// Factors are powers of two, so that the float model keeps its bits. Activations with limits (ReLU6) stay as they are:
/// channels that reached one keep the factor 1, and no other reaches one by its factor.
OCTET_BEGIN
namespace detail {

class Equalizer {
 public:
  /// `integer`: of each node, whether its weights become integers.
  Equalizer(const Graph& g, const Calibration& calibration, const std::vector<bool>& integer, bool per_channel)
      : g_(g),
        per_channel_(per_channel),
        classes_(g),
        groups_(g, classes_),
        links_(g),
        exponents_(classes_.count(), 0.0),
        most_(classes_.count(), 20.0),
        zero_(classes_.count(), false),
        dead_(classes_.count(), true),
        ranges_(g.values.size()) {
    for (int v = 0; v < static_cast<int>(g.values.size()); ++v) measure(v, calibration);
    for (const Node& n : g.nodes) limit(n);
    for (std::size_t i = 0; i < g.nodes.size(); ++i)
      if (ChannelClasses::absorbs(g, g.nodes[i]) && integer[i]) layers_.emplace_back(g, g.nodes[i]);
  }

  /// The exponents of all channels; without `always`, only where they are predicted to reduce the error.
  ChannelExponents exponents(bool always) {
    for (int i = 0; i < 12; ++i) sweep();
    for (std::size_t k = 0; k < exponents_.size(); ++k)
      exponents_[k] = most_[k] < 20 ? std::floor(exponents_[k]) : std::nearbyint(exponents_[k]);
    for (const auto& [group, classes] : groups_.members()) remove_common(classes);
    reduce_dead_columns();
    if (!always) keep_gains();
    ChannelExponents all;
    for (int v = 0; v < static_cast<int>(g_.values.size()); ++v) {
      std::vector<int> e;
      for (std::int64_t c = 0; c < classes_.channels(v); ++c)
        e.push_back(static_cast<int>(exponents_[classes_.of(v, c)]));
      if (std::any_of(e.begin(), e.end(), [](int x) { return x != 0; })) all[g_.value(v).name] = std::move(e);
    }
    return all;
  }

 private:
  static constexpr double fixed = -1000;  // as an upper limit of an exponent

  void fix(int v, std::int64_t c) {
    most_[classes_.of(v, c)] = fixed;
    dead_[classes_.of(v, c)] = false;
  }
  double factor(int v, std::int64_t c) const { return linear_exp2(exponents_[classes_.of(v, c)]); }
  static double magnitude(const Range& r) { return static_cast<double>(std::max(-r.low, r.high)); }

  /// The ranges of the channels of an activation. Those that were not measured, or whose range the user has set, keep
  /// their factor.
  void measure(int v, const Calibration& calibration) {
    const std::int64_t channels = classes_.channels(v);
    for (std::int64_t c = 0; c < channels; ++c)
      if (classes_.is_fixed(classes_.of(v, c))) fix(v, c);
    if (g_.value(v).is_constant()) return;
    const auto found = calibration.tensors.find(g_.value(v).name);
    const bool known = found != calibration.tensors.end() && !found->second.given &&
                       static_cast<std::int64_t>(found->second.channel_ranges.size()) == channels;
    if (known) ranges_[at(v)] = found->second.channel_ranges;
    for (std::int64_t c = 0; c < channels; ++c) {
      if (!known)
        fix(v, c);
      else if (magnitude(ranges_[at(v)][at(c)]) == 0)
        zero_[classes_.of(v, c)] = true;
      else
        dead_[classes_.of(v, c)] = false;
    }
  }

  /// Largest factors of channels with an activation that has limits.
  void limit(const Node& n) {
    const int v = n.outputs[0];
    const Traits l = n.op->traits();
    for (std::int64_t c = 0; c < static_cast<std::int64_t>(ranges_[at(v)].size()); ++c) {
      const Range& r = ranges_[at(v)][at(c)];
      double& most = most_[classes_.of(v, c)];
      for (const auto& [seen, end] :
           {std::pair(static_cast<double>(r.low), l.low), {static_cast<double>(r.high), l.high}}) {
        if (!std::isfinite(end) || end == 0) continue;
        dead_[classes_.of(v, c)] = false;  // a larger factor would let it reach the limit earlier
        const double room = seen * end > 0 ? linear_log2(end / seen) : 20.0;
        most = room < 1e-6 ? fixed : std::min(most, room);
      }
    }
  }

  /// Precisions of a channel, as logarithms: before it is read and when it is read.
  struct Precision {
    double written = 0, read = 0, writes = 0, reads = 0;
  };

  /// A step towards equal precisions.
  void sweep() {
    std::vector<Precision> precision(exponents_.size());
    for (int v = 0; v < static_cast<int>(ranges_.size()); ++v)
      if (!ranges_[at(v)].empty() && !shares_scale(v)) add_activation(v, precision);
    for (const LayerMagnitudes& l : layers_) add_weights(l, precision);
    for (std::size_t k = 0; k < exponents_.size(); ++k) {
      const Precision& p = precision[k];
      if (most_[k] == fixed || p.writes == 0) continue;
      const double written = p.written / p.writes;
      const double change = p.reads > 0 ? (p.read / p.reads - written) / 2 : -written;
      exponents_[k] = std::min(std::max(exponents_[k] + change, -20.0), most_[k]);
    }
    for (const auto& [group, classes] : groups_.members()) {  // what all channels have in common would drift
      double sum = 0;
      for (std::size_t k : classes) sum += most_[k] < 20 ? std::numeric_limits<double>::infinity() : exponents_[k];
      for (std::size_t k : classes)
        if (std::isfinite(sum)) exponents_[k] -= sum / static_cast<double>(classes.size());
    }
    for (std::size_t k = 0; k < exponents_.size(); ++k)
      if (zero_[k]) exponents_[k] = std::min(exponents_[k], 0.0);
  }

  /// Whether only a concat reads the value, with its result's scale.
  bool shares_scale(int v) const { return links_.used_once(v) && g_.nodes[at(links_.users(v)[0])].op->traits().joins; }

  static void add_written(Precision& p, double ratio, double weight) {
    if (!(ratio > 0)) return;
    p.written += weight * linear_log2(ratio);
    p.writes += weight;
  }
  static void add_read(Precision& p, double ratio) {
    if (!(ratio > 0)) return;
    p.read += linear_log2(ratio);
    ++p.reads;
  }

  void add_activation(int v, std::vector<Precision>& precision) const {
    const std::vector<Range>& r = ranges_[at(v)];
    double most = 0;
    for (std::size_t c = 0; c < r.size(); ++c)
      most = std::max(most, magnitude(r[c]) * factor(v, static_cast<std::int64_t>(c)));
    for (std::size_t c = 0; most > 0 && c < r.size(); ++c) {
      const auto channel = static_cast<std::int64_t>(c);
      add_written(precision[classes_.of(v, channel)], magnitude(r[c]) * factor(v, channel) / most,
                  per_channel_ ? 1 : 0.25);
    }
  }

  /// Factors of a layer's output channels, and the reciprocals of those of its input channels.
  std::pair<std::vector<double>, std::vector<double>> factors(const LayerMagnitudes& l) const {
    std::vector<double> out(at(l.outputs), 1.0), in(at(l.channel(l.outputs - 1, l.group_in - 1) + 1), 1.0);
    if (classes_.channels(l.output) > 0)
      for (std::size_t o = 0; o < out.size(); ++o) out[o] = factor(l.output, static_cast<std::int64_t>(o));
    if (classes_.channels(l.input) > 0)
      for (std::size_t i = 0; i < in.size(); ++i) in[i] = 1 / factor(l.input, static_cast<std::int64_t>(i));
    return {std::move(out), std::move(in)};
  }

  /// The largest w[i] f[i]. In four parts, since each maximum waits for the one before.
  static float largest_product(const float* w, const float* f, std::int64_t n) {
    float most[4] = {};
    std::int64_t i = 0;
    for (; i + 4 <= n; i += 4)
      for (int k = 0; k < 4; ++k) most[k] = std::max(most[k], w[i + k] * f[i + k]);
    for (; i < n; ++i) most[0] = std::max(most[0], w[i] * f[i]);
    return std::max(std::max(most[0], most[1]), std::max(most[2], most[3]));
  }

  void add_weights(const LayerMagnitudes& l, std::vector<Precision>& precision) const {
    const auto [out, in] = factors(l);
    std::vector<double> rows(out.size(), 0.0);
    std::vector<float> columns(in.size(), 0.0f);
    const std::vector<float> f(in.begin(), in.end());
    double most = 0;
    for (std::int64_t o = 0; o < l.outputs; ++o) {
      const float* w = l.largest.data() + o * l.group_in;
      const float row = largest_product(w, f.data() + l.channel(o, 0), l.group_in);
      rows[at(o)] = static_cast<double>(row) * out[at(o)];
      most = std::max(most, rows[at(o)]);
      const float of_row = per_channel_ ? (row > 0 ? 1 / row : 0) : static_cast<float>(out[at(o)]);
      float* column = columns.data() + l.channel(o, 0);
      for (std::int64_t i = 0; i < l.group_in; ++i) {
        const float x = w[i] * f[at(l.channel(o, i))] * of_row;
        column[i] = x > column[i] ? x : column[i];
      }
    }
    if (!per_channel_ && most > 0 && classes_.channels(l.output) > 0)
      for (std::size_t o = 0; o < rows.size(); ++o)
        add_written(precision[classes_.of(l.output, static_cast<std::int64_t>(o))], rows[o] / most, 1);
    if ((per_channel_ && l.depthwise()) || classes_.channels(l.input) == 0) return;
    for (std::size_t i = 0; i < columns.size(); ++i)
      add_read(precision[classes_.of(l.input, static_cast<std::int64_t>(i))],
               per_channel_ || most == 0 ? static_cast<double>(columns[i]) : static_cast<double>(columns[i]) / most);
  }

  /// Gives dead channels the least factors by which their columns no longer set the scales of the layers that read
  /// them. With one scale for all weights, their rows would set it then, so rows and columns share what is too much.
  void reduce_dead_columns() {
    std::vector<double> needed(exponents_.size(), 0.0), room(exponents_.size(), 20.0);
    for (const LayerMagnitudes& l : layers_) {
      if (l.outputs == 0) continue;
      const auto [out_factors, in_factors] = factors(l);
      const std::vector<double>&out = out_factors, &in = in_factors;
      const std::vector<Range>& ranges = ranges_[at(l.input)];
      std::vector<float> all(in.begin(), in.end()), live = all;
      for (std::size_t i = 0; i < live.size() && !ranges.empty(); ++i)
        if (magnitude(ranges[i]) == 0) live[i] = 0;
      const auto rows = [&](const std::vector<float>& f) {
        std::vector<double> largest;
        for (std::int64_t o = 0; o < l.outputs; ++o)
          largest.push_back(out[at(o)] * static_cast<double>(largest_product(l.largest.data() + o * l.group_in,
                                                                             f.data() + l.channel(o, 0), l.group_in)));
        return largest;
      };
      const std::vector<double> of_live = rows(live), of_all = rows(all);
      const double most = *std::max_element(of_live.begin(), of_live.end());
      for (std::int64_t o = 0; o < l.outputs; ++o) {
        const double limit = per_channel_ ? of_live[at(o)] : most;
        if (!per_channel_ && of_all[at(o)] > 0 && most > 0 && classes_.channels(l.output) > 0) {
          double& r = room[classes_.of(l.output, o)];
          r = std::min(r, std::max(0.0, std::floor(linear_log2(most / of_all[at(o)]))));
        }
        for (std::int64_t i = 0; i < l.group_in && limit > 0; ++i) {
          const std::int64_t c = l.channel(o, i);
          if (live[at(c)] != 0) continue;
          const double x = static_cast<double>(l.largest[at(o * l.group_in + i)]) * in[at(c)] * out[at(o)];
          double& e = needed[classes_.of(l.input, c)];
          if (x > limit) e = std::max(e, std::ceil(linear_log2(x / limit)));
        }
      }
    }
    for (std::size_t k = 0; k < needed.size(); ++k)
      if (dead_[k])
        exponents_[k] = std::min(exponents_[k] + std::min(needed[k], std::floor((needed[k] + room[k]) / 2)), 20.0);
  }

  static constexpr double decibels = 3.0103;  // of a power of two
  static double square(double x) noexcept { return rounded(x * x); }

  /// The mean over the output channels of the predicted noise of a layer, in decibels of its signal: that of rounded
  /// inputs, step^2 / 12 sum of w^2, and of rounded weights, step^2 / 12 sum of x^2. The signal of channels is taken
  /// for independent, with a mean square of a tenth of that of the largest magnitude.
  double noise_db(const LayerMagnitudes& l) const {
    const auto [out, in] = factors(l);
    const std::vector<Range>& ranges = ranges_[at(l.input)];
    std::vector<double> energy(in.size(), 1.0);
    double low = 0, high = 0, largest_weight = 0;
    for (std::size_t i = 0; i < energy.size() && !ranges.empty(); ++i) {
      energy[i] = square(magnitude(ranges[i]) / in[i]) / 10;
      low = std::min(low, static_cast<double>(ranges[i].low) / in[i]);
      high = std::max(high, static_cast<double>(ranges[i].high) / in[i]);
    }
    const double step = square((high - low) / 255) / 12;
    std::vector<double> rows(out.size(), 0.0), signal(out.size(), 0.0), squares(out.size(), 0.0),
        inputs(out.size(), 0.0);
    for (std::int64_t o = 0; o < l.outputs; ++o) {
      for (std::int64_t i = 0; i < l.group_in; ++i) {
        const std::size_t k = at(o * l.group_in + i), c = at(l.channel(o, i));
        const double f = in[c] * out[at(o)], w = rounded(static_cast<double>(l.squares[k]) * f * f);
        rows[at(o)] = std::max(rows[at(o)], static_cast<double>(l.largest[k]) * f);
        squares[at(o)] += w;
        signal[at(o)] += rounded(w * energy[c]);
        inputs[at(o)] += rounded(static_cast<double>(l.taps) * energy[c]);
      }
      largest_weight = std::max(largest_weight, rows[at(o)]);
    }
    double sum = 0;
    int count = 0;
    for (std::size_t o = 0; o < rows.size(); ++o) {
      if (!(signal[o] > 0)) continue;
      const double weight_step = square((per_channel_ ? rows[o] : largest_weight) / 127) / 12;
      sum += linear_log2(rounded(rounded(squares[o] * step) + rounded(inputs[o] * weight_step)) / signal[o] + 3e-5);
      ++count;
    }
    return count ? decibels * sum / count : 0;
  }

  /// A factor that all channels of tensors have in common changes nothing, unless one of them cannot be scaled. Without
  /// it, most channels keep their numbers.
  void remove_common(const std::vector<std::size_t>& classes) {
    std::map<double, int> counts;
    for (std::size_t k : classes) {
      if (most_[k] < 20) return;
      ++counts[exponents_[k]];
    }
    double common = 0;
    int times = 0;
    for (const auto& [e, n] : counts)
      if (n > times) {
        common = e;
        times = n;
      }
    for (std::size_t k : classes) {
      const double e = exponents_[k] - common, most = largest_channel_exponent;
      exponents_[k] = std::clamp(e, -most, zero_[k] ? 0.0 : most);
    }
  }

  /// Sets the exponents of tensors to 0 where they are not predicted to reduce the noise of layers.
  void keep_gains() {
    for (const auto& [of, classes] : groups_.members()) {
      if (std::all_of(classes.begin(), classes.end(), [&](std::size_t k) { return exponents_[k] == 0; })) continue;
      std::vector<const LayerMagnitudes*> layers;
      for (const LayerMagnitudes& l : layers_)
        if (groups_.of(l.input) == of || groups_.of(l.output) == of) layers.push_back(&l);
      const auto noise = [&] {
        double sum = 0;
        for (const LayerMagnitudes* l : layers) sum += noise_db(*l);
        return sum;
      };
      const double with = noise();
      std::vector<double> kept;
      for (std::size_t k : classes) kept.push_back(std::exchange(exponents_[k], 0.0));
      if (noise() - with < (per_channel_ ? 1 : 0.2)) continue;  // dB
      for (std::size_t i = 0; i < kept.size(); ++i) exponents_[classes[i]] = kept[i];
    }
  }

  const Graph& g_;
  const bool per_channel_;
  const ChannelClasses classes_;
  const ChannelGroups groups_;
  const Links links_;
  std::vector<double> exponents_;           // of each class
  std::vector<double> most_;                // the largest exponent of each class, or fixed
  std::vector<bool> zero_;                  // of each class: whether it was always zero; it may become smaller
  std::vector<bool> dead_;                  // of each class: whether it was always zero, and any factor is allowed
  std::vector<std::vector<Range>> ranges_;  // of the channels of each value; empty: not scaled
  std::vector<LayerMagnitudes> layers_;
};

}  // namespace detail
OCTET_END
