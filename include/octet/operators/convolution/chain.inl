#pragma once
#include <array>

#include "../../graph/range_exchange.hpp"
#include "chain.hpp"
#include "convolution.hpp"
#include "step.hpp"

OCTET_BEGIN
namespace detail {

/// Runs consecutive convolutions as one step. If the tensors between them are large, the convolutions alternate on
/// bands of a few rows, so that intermediate rows stay in the cache and the tensors never exist as a whole. Rows that
/// two bands need are kept. The results are bit-identical to those of separate convolutions.
class ChainStep : public Step, public RangeExchange {
 public:
  static constexpr std::size_t longest = 3;

  ChainStep(const Graph& body, const Kernels& kernels, PrepareOptions options) : body_(body) {
    options.memory = WeightMemory::small;
    for (const Node& n : body.nodes)
      stages_.push_back(
          {as<Convolution>(*n.op)->prepare_convolution(PrepareContext(body, n, kernels, options)), {}, {}, {}});
  }

  std::size_t packed_bytes() const noexcept override {
    std::size_t n = 0;
    for (const Stage& s : stages_) n += s.step->packed_bytes();
    return n;
  }

  bool can_overwrite(int input) const noexcept override { return input == ConvolutionChain::residual; }
  const char* form() const noexcept override { return band_rows_ ? "in bands of rows" : "one by one"; }
  std::size_t plan(const PlanContext& c) override {
    std::vector<Shape> given;
    for (const TensorRef& t : c.inputs) given.push_back(t.shape);
    const std::vector<Shape> shapes = body_.infer_shapes(given);
    const auto described = [&](int v) {
      return TensorRef{body_.value(v).dtype, shapes[static_cast<std::size_t>(v)], nullptr};
    };
    std::size_t between = 0;
    bool bands = true;
    for (std::size_t i = 0; i < stages_.size(); ++i) {
      Stage& s = stages_[i];
      const Node& n = body_.nodes[i];
      s.inputs = {described(n.inputs[0]), {}, {}, {}};
      s.outputs = {described(n.outputs[0])};
      s.shape = s.step->shape(s.inputs[0].shape, s.outputs[0].shape);
      s.row_bytes = s.shape.out_w * s.shape.out_c * static_cast<std::int64_t>(bits(s.outputs[0].dtype) / 8);
      if (i + 1 < stages_.size())
        between += static_cast<std::size_t>(round_up(s.shape.batch * s.shape.out_h * s.row_bytes, 64));
      bands = bands && s.step->runs_bands(i == 0);
    }
    image_in_bytes_ = batch() ? static_cast<std::int64_t>(c.inputs[0].size_bytes()) / batch() : 0;
    constexpr std::size_t cache = 768 * 1024;  // largest intermediate tensors that are kept as a whole
    band_rows_ = bands && between > cache ? choose_band(c.threads) : 0;
    return band_rows_ ? plan_bands(c.threads) : plan_whole(between, c.threads);
  }

  RangeExchange* range_exchange() noexcept override { return this; }
  bool wants_ranges() const noexcept override {
    const RangeExchange* first = stages_.front().step->range_exchange();
    return first && first->wants_ranges();
  }
  bool measures_ranges() const noexcept override {
    const RangeExchange* last = stages_.back().step->range_exchange();
    return !band_rows_ && last && last->measures_ranges();
  }
  void set_ranges(const Range* input, Range* output) noexcept override {
    if (RangeExchange* first = stages_.front().step->range_exchange()) first->set_ranges(input, nullptr);
    if (RangeExchange* last = stages_.back().step->range_exchange()) last->set_ranges(nullptr, output);
  }

  void run(const RunContext& c) noexcept override {
    if (!band_rows_) return run_whole(c);
    const ConvolutionShape& out = stages_.back().shape;
    const std::int64_t out_bytes = out.out_h * stages_.back().row_bytes;
    const std::byte* residual = c.input(ConvolutionChain::residual);
    for (std::int64_t image = 0; image < batch(); ++image) {
      const std::byte* in = c.input(0) + image * image_in_bytes_;
      stages_[0].step->start_image(in, image, c.scratch, c);
      c.pool->parallel(parts_, [&](std::int64_t part, int worker) {
        run_part({in, c.output() + image * out_bytes, residual ? residual + image * out_bytes : nullptr,
                  out.out_h * part / parts_, out.out_h * (part + 1) / parts_,
                  c.scratch + shared_bytes_ + worker * worker_bytes_, c.scratch});
      });
    }
  }

 private:
  struct Stage {
    std::unique_ptr<ConvolutionStep> step;
    std::vector<TensorRef> inputs, outputs;
    ConvolutionShape shape;
    std::int64_t row_bytes = 0;         // of its output
    std::int64_t rows = 0, buffer = 0;  // of a band: largest number of rows, offset in the worker's scratch memory
  };

  std::int64_t batch() const noexcept { return stages_.back().shape.batch; }

  std::size_t plan_whole(std::size_t between, int threads) {
    std::size_t scratch = 0;
    std::int64_t at = 0;
    for (Stage& s : stages_) {
      s.buffer = at;
      at += round_up(s.shape.batch * s.shape.out_h * s.row_bytes, 64);
      scratch = std::max(scratch, s.step->plan(s.shape, threads));
    }
    shared_bytes_ = static_cast<std::int64_t>(between);
    return between + scratch;
  }
  void run_whole(const RunContext& c) noexcept {
    std::byte* in = c.inputs[0].data;
    for (Stage& s : stages_) {
      const bool is_last = &s == &stages_.back();
      s.inputs[0].data = in;
      s.inputs[ConvolutionInputs::residual].data =
          is_last && c.input(ConvolutionChain::residual) ? c.inputs[ConvolutionChain::residual].data : nullptr;
      s.outputs[0].data = in = is_last ? c.output() : c.scratch + s.buffer;
      s.step->run({s.inputs, s.outputs, c.scratch + shared_bytes_, c.pool, c.lost});
    }
  }

  /// Sets the rows of each stage for bands of `band` rows of the last one. Returns the size of the intermediate rows in
  /// bytes.
  std::int64_t set_rows(std::int64_t band) {
    std::int64_t bytes = 0;
    for (std::size_t i = stages_.size(); i-- > 0;) {
      Stage& s = stages_[i];
      s.rows = std::min(band, s.shape.out_h);
      band = (s.rows - 1) * s.shape.stride_h + (s.shape.kernel_h - 1) * s.shape.dilation_h + 1;
      if (i + 1 < stages_.size()) bytes += round_up(s.rows * s.row_bytes, 64);
    }
    return bytes;
  }
  std::int64_t choose_band(int threads) {
    constexpr std::int64_t cache = 384 * 1024;
    const std::int64_t out_h = stages_.back().shape.out_h;
    parts_ = std::min<std::int64_t>(threads, out_h);
    const std::int64_t part = (out_h + parts_ - 1) / parts_;
    std::int64_t band = 1;
    while (band < part && set_rows(band + 1) <= cache) ++band;
    const std::int64_t bands = (part + band - 1) / band;
    return (part + bands - 1) / bands;
  }
  std::size_t plan_bands(int threads) {
    set_rows(band_rows_);
    std::size_t scratch = 0;
    std::int64_t at = 0;
    for (std::size_t i = 0; i < stages_.size(); ++i) {
      Stage& s = stages_[i];
      s.buffer = at;
      if (i + 1 < stages_.size()) at += round_up(s.rows * s.row_bytes, 64);
      ConvolutionShape one = s.shape;
      one.batch = 1;
      scratch = std::max(scratch, s.step->plan_bands(one, s.rows));
    }
    scratch_at_ = at;
    shared_bytes_ = round_up(static_cast<std::int64_t>(stages_[0].step->shared_bytes()), 64);
    worker_bytes_ = round_up(at + static_cast<std::int64_t>(scratch), 64);
    return static_cast<std::size_t>(shared_bytes_ + threads * worker_bytes_);
  }

  /// Computes rows [all.first, all.last) of the last convolution's output.
  void run_part(const Band& all) noexcept {
    struct Rows {
      std::int64_t first = 0, last = 0;
    };
    std::array<Rows, longest> kept{}, wanted{};  // rows in each stage's buffer; rows of this band
    const std::size_t end = stages_.size() - 1;
    for (std::int64_t y = all.first; y < all.last; y += band_rows_) {
      wanted[end] = {y, std::min(y + band_rows_, all.last)};
      for (std::size_t i = end; i-- > 0;) {
        const ConvolutionShape& next = stages_[i + 1].shape;
        const std::int64_t from = wanted[i + 1].first * next.stride_h - next.pad_top;
        const std::int64_t to =
            (wanted[i + 1].last - 1) * next.stride_h - next.pad_top + (next.kernel_h - 1) * next.dilation_h + 1;
        wanted[i].first = std::clamp<std::int64_t>(from, 0, next.in_h);
        wanted[i].last = std::clamp<std::int64_t>(to, wanted[i].first, next.in_h);
      }
      const std::byte* in = all.in;
      for (std::size_t i = 0; i <= end; ++i) {
        const Stage& s = stages_[i];
        Band b{in, all.out, all.residual, wanted[i].first, wanted[i].last, all.scratch + scratch_at_, all.shared};
        if (i < end) {
          std::byte* buffer = all.scratch + s.buffer;
          const std::int64_t known = std::max(kept[i].last, b.first);
          if (known > b.first)
            std::memmove(buffer, buffer + (b.first - kept[i].first) * s.row_bytes,
                         static_cast<std::size_t>((known - b.first) * s.row_bytes));
          kept[i] = wanted[i];
          b.out = buffer - b.first * s.row_bytes;
          b.residual = nullptr;
          b.first = known;
          in = b.out;
        }
        if (b.first < b.last) s.step->run_band(b);
      }
    }
  }

  const Graph& body_;
  std::vector<Stage> stages_;
  std::int64_t band_rows_ = 0;  // of the last convolution; 0: whole tensors
  std::int64_t parts_ = 1, image_in_bytes_ = 0, shared_bytes_ = 0, worker_bytes_ = 0, scratch_at_ = 0;
};

}  // namespace detail

OCTET_API bool ConvolutionChain::can_end_with(const Node& n) {
  const auto* project = as<Convolution>(*n.op);
  return project && project->groups == 1 && project->window.taps() == 1;
}

OCTET_API std::unique_ptr<Step> ConvolutionChain::prepare(const PrepareContext& c) const {
  return detail::make_step<detail::ChainStep>(body, c.kernels(), c.options());
}

OCTET_END
