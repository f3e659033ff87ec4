// No include guard: part of every instruction set's kernels.
// Depthwise convolution: the taps of an output pixel.

// Finds pointers to the taps of output pixel (y, x); for taps outside the image, to the padding.
inline void find_taps(const Depthwise& d, std::int64_t y, std::int64_t x, std::int64_t pixel_bytes) {
  const std::byte** tap = d.taps;
  for (std::int64_t ky = 0; ky < d.shape.kernel_h; ++ky) {
    const std::int64_t iy = y * d.shape.stride_h - d.shape.pad_top + ky * d.shape.dilation_h;
    const bool row_inside = iy >= 0 && iy < d.shape.in_h;
    for (std::int64_t kx = 0; kx < d.shape.kernel_w; ++kx) {
      const std::int64_t ix = x * d.shape.stride_w - d.shape.pad_left + kx * d.shape.dilation_w;
      *tap++ = row_inside && ix >= 0 && ix < d.shape.in_w ? d.in + (iy * d.shape.in_w + ix) * pixel_bytes : d.padding;
    }
  }
  const std::int64_t count = d.shape.taps();
  for (std::int64_t t = 0; t < (d.repeat - 1) * count; ++t) tap[t] = d.taps[t];
}

// The output pixels of a row whose taps are all inside the row, if there are any.
struct InsideRow {
  std::int64_t begin, end;
  explicit InsideRow(const ConvolutionShape& s) {
    const std::int64_t room = s.in_w - 1 - (s.kernel_w - 1) * s.dilation_w + s.pad_left;
    const std::int64_t before = (s.pad_left + s.stride_w - 1) / s.stride_w,
                       behind = room < 0 ? 0 : room / s.stride_w + 1;
    end = behind < s.out_w ? behind : s.out_w;
    begin = before < end ? before : end;
  }
};

// Calls f(pixel, offset) for each output pixel; its taps are at d.taps[t] + offset. At the borders, the taps are
// computed for each pixel. Inside, only the offset grows: the padding is as long as a row of the image, so that
// pointers to it can move as well.
template <class F>
void each_pixel(const Depthwise& d, std::int64_t pixel_bytes, F f) {
  const std::int64_t reach = (d.shape.kernel_w - 1) * d.shape.dilation_w;
  for (std::int64_t y = d.row_begin; y < d.row_end; ++y) {
    std::int64_t offset = 0;
    bool was_inside = false;
    for (std::int64_t x = 0; x < d.shape.out_w; ++x) {
      const std::int64_t first = x * d.shape.stride_w - d.shape.pad_left;
      const bool inside = first >= 0 && first + reach < d.shape.in_w;
      if (inside && was_inside) {
        offset += d.shape.stride_w * pixel_bytes;
      } else {
        find_taps(d, y, x, pixel_bytes);
        offset = 0;
      }
      was_inside = inside;
      f(y * d.shape.out_w + x, offset);
    }
  }
}
