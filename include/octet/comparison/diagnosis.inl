#pragma once
#include <limits>
#include <sstream>

#include "diagnosis.hpp"
#include "layer_facts.hpp"

OCTET_BEGIN

OCTET_API const char* name(Cause cause) noexcept {
  switch (cause) {
    case Cause::unlike_input: return "unlike input";
    case Cause::unlike_parts: return "unlike ranges at a join";
    case Cause::saturation: return "saturating range";
    case Cause::outlier_channel: return "outlier channel";
    case Cause::uneven_channels: return "uneven channels";
    case Cause::uneven_weights: return "uneven weights";
    case Cause::gate: return "scale of channels";
    case Cause::dead_channels: return "dead channels";
    case Cause::few_images: return "few calibration images";
    case Cause::small_difference: return "small difference";
  }
  return "unknown";
}

namespace detail {

/// Finds the layers that lose precision, and why.
class Diagnoser {
 public:
  Diagnoser(const Model& float_model, const Model& quantized, const Calibration& calibration,
            const std::vector<Tensor<float>>& batches, const ExecutorOptions& executor)
      : quantized_(quantized), calibration_(calibration), facts_(float_model, quantized, batches, executor) {
    for (LayerError& e : error_report(float_model, quantized, batches, executor)) {
      const std::string tensor = e.name;
      errors_.emplace(tensor, std::move(e));
    }
    names_ = unique_layer_names(facts_.graph);
    if (facts_.graph.inputs.size() == 1) measure_input(batches);
  }

  /// Layers with a result below `below_db` that lose at least `least_loss` dB, in order of the model; their causes.
  std::vector<Diagnosis> layers(double below_db, double least_loss) const {
    std::vector<Diagnosis> found;
    for (std::size_t i = 0; i < facts_.graph.nodes.size(); ++i) {
      const Node& n = facts_.graph.nodes[i];
      const LayerError* e = error_of(n.outputs[0]);
      if (!e || facts_.is_cut(n.outputs[0])) continue;
      Diagnosis d;
      d.layer = names_[i];
      d.tensor = e->name;
      d.output_db = e->sqnr_db;
      d.input_db = input_db(n);
      const bool loses = d.output_db < below_db && d.input_db - d.output_db >= least_loss;
      if (!loses && !reads_reversed_channels(n)) continue;
      explain(n, *e, d);
      found.push_back(std::move(d));
    }
    return found;
  }

 private:
  const LayerError* error_of(int v) const {
    const auto found = v == Node::none ? errors_.end() : errors_.find(facts_.graph.value(v).name);
    return found == errors_.end() ? nullptr : &found->second;
  }
  const ChannelFacts* facts_of(int v) const {
    const auto found = v == Node::none ? facts_.of.end() : facts_.of.find(facts_.graph.value(v).name);
    return found == facts_.of.end() ? nullptr : &found->second;
  }

  /// The lowest SQNR of a layer's inputs that are not constant. Inputs whose range was cut count as their own inputs.
  double input_db(const Node& n) const {
    double least = std::numeric_limits<double>::infinity();
    for (int v : n.inputs) {
      if (v == Node::none || facts_.graph.value(v).is_constant()) continue;
      const LayerError* e = error_of(v);
      if (e && !facts_.is_cut(v)) least = std::min(least, e->sqnr_db);
      if (const int p = facts_.links.producer(v); p != Node::none && (!e || facts_.is_cut(v)))
        least = std::min(least, input_db(facts_.graph.nodes[at(p)]));
    }
    return least;
  }

  /// Sets the cause of a layer's loss, what was measured, and the cure. The tests are in the order of how certain they
  /// are.
  void explain(const Node& n, const LayerError& e, Diagnosis& d) const {
    const auto is = [&](Cause cause, std::string numbers, std::string cure) {
      d.cause = cause;
      d.numbers = std::move(numbers);
      d.cure = std::move(cure);
    };
    if (reversed_channels(n, is) || unlike_input(is) || unlike_parts(n, is) || beyond_range(n, e, is)) return;
    if (e.rmse_over_scale < 0.4)  // rounding alone, by a scale that others determine
      for (int reader : facts_.links.users(n.outputs[0])) {
        const Node& r = facts_.graph.nodes[at(reader)];
        if (unlike_parts(r, is) || gate(r, is)) return;
      }
    std::vector<int> tensors = n.inputs;
    tensors.push_back(n.outputs[0]);
    for (int v : tensors)
      if (uneven(v, is)) return;
    if (uneven_weights(n, is) || gate(n, is)) return;
    for (int v : tensors)
      if (dead(v, is)) return;
    if (has_few_images())
      return is(Cause::few_images, counted(calibration_images()) + " in the calibration", more_images);
    is(Cause::small_difference,
       e.rmse_over_scale > 0 ? concat("the result has an RMS error of ", rounded_text(e.rmse_over_scale),
                                      " steps, of which rounding is 0.29")
                             : "the layer is float, and makes the errors of its inputs larger",
       "the noise of the layers before is amplified: keep this layer and the one before float (keep_float '" + d.layer +
           "'), or train for int8");
  }

  static std::string rounded_text(double x) {
    std::ostringstream out;
    out.precision(3);
    out << x;
    return out.str();
  }
  static std::string counted(std::int64_t n) { return concat(n, n == 1 ? " image" : " images"); }
  static std::string text(const Range& r) { return "[" + rounded_text(r.low) + ", " + rounded_text(r.high) + "]"; }

  static constexpr const char* more_images = "calibrate with 100 to 500 images like those of the application";
  bool has_few_images() const {
    const std::int64_t images = calibration_images();
    return images > 0 && images < 16;
  }
  std::int64_t calibration_images() const {
    std::int64_t most = 0;
    for (const auto& entry : calibration_.tensors) most = std::max(most, entry.second.summed);
    return most;
  }

  /// Whether the layer reads an input of the model whose channels seem to be in reverse order (BGR in place of RGB): in
  /// that order their means are at most a third as far from those of the calibration.
  bool reads_reversed_channels(const Node& n) const {
    const int v = n.inputs.empty() ? Node::none : n.inputs[0];
    const std::vector<int>& inputs = facts_.graph.inputs;
    if (std::find(inputs.begin(), inputs.end(), v) == inputs.end()) return false;
    const ChannelFacts* f = facts_of(v);
    const std::vector<double> known = calibrated_means(v);
    if (!f || known.size() != 3 || f->sums.size() != 3 || f->rows == 0) return false;
    double as_is = 0, reversed = 0;
    for (std::size_t c = 0; c < 3; ++c) {
      const double mean = f->sums[c] / static_cast<double>(f->rows);
      as_is += std::abs(mean - known[c]);
      reversed += std::abs(mean - known[2 - c]);
    }
    return as_is > 0.05 * static_cast<double>(f->seen.high - f->seen.low) && reversed < as_is / 3;
  }
  std::vector<double> calibrated_means(int v) const {
    const std::string& tensor = facts_.graph.value(v).name;
    return calibration_.contains(tensor) ? calibration_.channel_means(tensor) : std::vector<double>{};
  }

  template <class Is>
  bool reversed_channels(const Node& n, Is is) const {
    if (!reads_reversed_channels(n)) return false;
    const ChannelFacts& f = *facts_of(n.inputs[0]);
    std::string now, known;
    for (std::size_t c = 0; c < 3; ++c) {
      now += (c > 0 ? ", " : "") + rounded_text(f.sums[c] / static_cast<double>(f.rows));
      known += (c > 0 ? ", " : "") + rounded_text(calibrated_means(n.inputs[0])[c]);
    }
    is(Cause::unlike_input,
       "the channels of input '" + facts_.graph.value(n.inputs[0]).name + "' have the means " + now +
           ", those of the " + "calibration " + known,
       "give images with the same order of channels (RGB or BGR) as those of the calibration");
    return true;
  }

  /// Whether the input of the model is far from what was calibrated.
  template <class Is>
  bool unlike_input(Is is) const {
    for (int v : facts_.graph.inputs) {
      const std::string& tensor = facts_.graph.value(v).name;
      const auto seen = calibration_.tensors.find(tensor);
      const ChannelFacts* f = facts_of(v);
      if (!f || !calibration_.contains(tensor) || seen->second.given) continue;
      const Range& c = seen->second.seen;
      const float width = c.high - c.low, now = f->seen.high - f->seen.low;
      const bool outside = f->seen.low < c.low - width / 2 || f->seen.high > c.high + width / 2;
      if (!outside && now > width / 8) continue;
      is(Cause::unlike_input, "input '" + tensor + "' is in " + text(f->seen) + ", but was calibrated to " + text(c),
         "prepare the images of the calibration as those of the application: normalization (--preprocess) and order of "
         "channels");
      return true;
    }
    return false;
  }

  /// Whether a concat or sum joins tensors of unlike ranges.
  template <class Is>
  bool unlike_parts(const Node& n, Is is) const {
    const ChannelFacts* joined = facts_of(n.outputs[0]);
    if (!n.op->traits().joins || !joined || joined->most() == 0) return false;
    for (int v : n.inputs) {
      const ChannelFacts* part = facts_of(v);
      if (!part || part->most() == 0 || part->most() * 32 > joined->most()) continue;
      is(Cause::unlike_parts,
         "part '" + facts_.graph.value(v).name + "' is in " + text(part->seen) + ", the whole in " + text(joined->seen),
         "allow equalization (Int8Options::equalize), or keep the join and its readers float");
      return true;
    }
    return false;
  }

  /// Which part of the input's elements is outside the calibrated range, by more than rounding.
  void measure_input(const std::vector<Tensor<float>>& batches) {
    const std::string& tensor = facts_.graph.value(facts_.graph.inputs[0]).name;
    if (!calibration_.contains(tensor)) return;
    const Range r = calibration_.range(tensor);
    const float step = (r.high - r.low) / 255;
    std::int64_t outside = 0, all = 0;
    for (const Tensor<float>& batch : batches) {
      outside +=
          std::count_if(batch.begin(), batch.end(), [&](float x) { return x < r.low - step || x > r.high + step; });
      all += batch.size();
    }
    input_outside_ = static_cast<double>(outside) / static_cast<double>(std::max<std::int64_t>(all, 1));
  }

  template <class Is>
  bool beyond_range(const Node& n, const LayerError& e, Is is) const {
    const bool reads_input = !n.inputs.empty() && !facts_.graph.inputs.empty() && n.inputs[0] == facts_.graph.inputs[0];
    const bool of_input = reads_input && input_outside_ >= 0.01;
    if (e.saturation < 0.01 && !of_input) return false;
    const std::string& tensor = of_input ? facts_.graph.value(n.inputs[0]).name : e.name;
    const auto seen = calibration_.tensors.find(tensor);
    const auto now = facts_.of.find(tensor);
    std::string where = rounded_text(100 * (of_input ? input_outside_ : e.saturation)) + " % of the numbers of '" +
                        tensor + "' are outside the range";
    if (calibration_.contains(tensor) && now != facts_.of.end())
      where += ": calibrated to " + text(seen->second.seen) + ", now in " + text(now->second.seen);
    if (has_few_images())
      is(Cause::few_images, counted(calibration_images()) + " in the calibration; " + where, more_images);
    else
      is(Cause::saturation, where, "calibrate with more, and more different, images; or with the method min_max");
    return true;
  }

  template <class Is>
  bool uneven(int v, Is is) const {
    const ChannelFacts* f = facts_of(v);
    if (!f || f->largest.size() < 3 || f->most() == 0) return false;
    const std::string tensor = "tensor '" + facts_.graph.value(v).name + "': channel ";
    if (f->most() > 8 * f->second()) {
      is(Cause::outlier_channel,
         tensor + concat(f->channel_of_most(), " reaches ", f->most(), ", the others ", f->second()),
         "allow equalization (Int8Options::equalize), or a percentile range, which cuts the channel off");
      return true;
    }
    const float usual = f->exceeded_by(0.5);
    if (f->most() < 16 * usual) return false;
    is(Cause::uneven_channels,
       tensor + concat(f->channel_of_most(), " reaches ", f->most(), ", half of the channels less than ", usual),
       "allow equalization (Int8Options::equalize); where layers between do not permit it, keep the layer float");
    return true;
  }

  /// Whether one scale for all weights is too coarse for most rows.
  template <class Is>
  bool uneven_weights(const Node& n, Is is) const {
    if (!ChannelClasses::absorbs(facts_.graph, n)) return false;
    const Value& w = facts_.graph.value(n.inputs[LayerInputs::weights]);
    const int q = quantized_.contains(w.name) ? quantized_.find(w.name) : Node::none;
    if (q == Node::none || !quantized_.value(q).is_quantized() || quantized_.value(q).quant.per_channel()) return false;
    const FloatElements elements(w.constant);
    ChannelFacts rows;
    const std::int64_t outputs = (*elements).shape()[0], k = outputs > 0 ? (*elements).size() / outputs : 0;
    rows.largest.resize(at(outputs), 0.0f);
    for (std::int64_t i = 0; i < outputs * k; ++i)
      rows.largest[at(i / k)] = std::max(rows.largest[at(i / k)], std::abs((*elements)[i]));
    const float usual = rows.exceeded_by(0.5);
    if (rows.most() < 8 * usual) return false;
    is(Cause::uneven_weights,
       concat("weights '", w.name, "' have one scale: the largest row reaches ", rows.most(),
              ", half of them less than ", usual),
       "use a scale for each output channel (Int8Options::per_channel)");
    return true;
  }

  /// Whether the layer multiplies by an inaccurate scale of channels.
  template <class Is>
  bool gate(const Node& n, Is is) const {
    if (n.op->traits().factors != Traits::Factors::multiplied) return false;
    for (int k : {0, 1}) {
      const LayerError *scale = error_of(n.inputs[at(k)]), *data = error_of(n.inputs[at(1 - k)]);
      const Shape& shape = facts_.graph.value(n.inputs[at(k)]).shape;
      if (!scale || !data || shape == facts_.graph.value(n.outputs[0]).shape || scale->sqnr_db > data->sqnr_db)
        continue;
      is(Cause::gate,
         "scale '" + scale->name + "' has " + rounded_text(scale->sqnr_db) + " dB, the image " +
             rounded_text(data->sqnr_db) + " dB",
         "keep the layers that compute '" + scale->name + "' float: they are small");
      return true;
    }
    return false;
  }

  template <class Is>
  bool dead(int v, Is is) const {
    const ChannelFacts* f = facts_of(v);
    if (!f || f->largest.size() < 4 || f->dead() * 2 < static_cast<std::int64_t>(f->largest.size())) return false;
    is(Cause::dead_channels,
       "tensor '" + facts_.graph.value(v).name +
           "': " + concat(f->dead(), " of ", f->largest.size(), " channels are always zero"),
       "check that the images are right for the model; if so, prune these channels");
    return true;
  }

  const Model& quantized_;
  const Calibration& calibration_;
  LayerFacts facts_;
  std::map<std::string, LayerError> errors_;
  std::vector<std::string> names_;
  double input_outside_ = 0;  // part of the elements of the model's only input
};

}  // namespace detail

OCTET_API std::vector<Diagnosis> diagnose(const Model& float_model, const Model& quantized,
                                          const Calibration& calibration, const std::vector<Tensor<float>>& batches,
                                          const DiagnosisOptions& options) {
  const detail::Diagnoser d(float_model, quantized, calibration, batches, options.executor);
  std::vector<Diagnosis> found = d.layers(options.below_db, options.least_loss_db);
  std::stable_sort(found.begin(), found.end(), [](const Diagnosis& a, const Diagnosis& b) {
    return std::min(a.input_db, 60.0) - a.output_db > std::min(b.input_db, 60.0) - b.output_db;
  });
  if (found.size() > options.most) found.resize(options.most);
  return found;
}

OCTET_API std::vector<Diagnosis> collapsed_layers(const Model& float_model, const Model& quantized,
                                                  const Calibration& calibration,
                                                  const std::vector<Tensor<float>>& batches, double below_db,
                                                  ExecutorOptions options) {
  const detail::Diagnoser d(float_model, quantized, calibration, batches, options);
  std::vector<Diagnosis> first;
  for (Diagnosis& layer : d.layers(below_db, 0))
    if (layer.input_db >= below_db && layer.output_db < below_db) first.push_back(std::move(layer));
  return first;
}

OCTET_END
