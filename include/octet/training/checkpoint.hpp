#pragma once
#include "../files/atomic_file.hpp"
#include "../files/checksum.hpp"
#include "../files/map_file.hpp"
#include "../model_file/graph_description.hpp"
#include "gradient_executor.hpp"
#include "optimizer_state.hpp"
#include "oscillation_freezer.hpp"
#include "training_position.hpp"

/// Checkpoint files, from which training resumes as if it had not been interrupted. Integers in the header are
/// little-endian.
///   bytes 0-7    "OCTETCP\n"
///         8-15   version of the format
///        16-23   size of the file
///        24-31   checksum of everything after it
///        32-39   size of the description
///        40-     description: model, optimizer, position, history; then the floats of the parameters, the optimizer's
///                state, the state of oscillation freezing and the best parameters so far, if there are any
OCTET_BEGIN
namespace detail {

constexpr char checkpoint_magic[] = "OCTETCP\n";
constexpr std::uint64_t checkpoint_version = 2;  // 1: without oscillation freezing and losses of several outputs
constexpr std::size_t checkpoint_header = 40;

/// Identifies the model of a checkpoint: a hash of its layers and of all constants that training does not change.
inline std::uint64_t training_fingerprint(const Graph& g, const Parameters& parameters) {
  ArchiveWriter description;
  Graph unnamed = g;  // the name and metadata of the model do not matter
  unnamed.name.clear();
  unnamed.metadata.clear();
  write_graph(
      unnamed, [](std::size_t) { return DataPlace{}; }, description);
  Checksum sum;
  sum.add(description.bytes().data(), description.bytes().size());
  for (std::size_t v = 0; v < g.values.size(); ++v)
    if (g.values[v].is_constant() && !parameters.find(static_cast<int>(v)))
      sum.add(g.values[v].constant.data(), g.values[v].constant.size_bytes());
  return sum.value();
}

/// Saves and loads the state of a training run.
class Checkpoint {
 public:
  Checkpoint(const GradientExecutor& executor, OptimizerState& optimizer, Optimizer::Kind kind,
             OscillationFreezer& freezer, TrainingPosition& position, std::vector<float>& best)
      : name_(executor.graph().name),
        parameters_(executor.parameters()),
        fingerprint_(training_fingerprint(executor.graph(), executor.parameters())),
        optimizer_(optimizer),
        kind_(kind),
        freezer_(freezer),
        position_(position),
        best_(best) {}

  void save(const std::string& path) const {
    naming_file(path, [&] {
      const std::string description = describe();
      const auto each = [&](auto use) {
        use(description.data(), description.size());
        for (const auto& [data, n] : arrays(best_)) use(reinterpret_cast<const char*>(data), n * sizeof(float));
      };
      Checksum sum;
      std::size_t size = checkpoint_header;
      const std::uint64_t description_size = description.size();
      sum.add(&description_size, sizeof description_size);
      each([&](const char* p, std::size_t n) {
        sum.add(p, n);
        size += n;
      });
      ArchiveWriter header;
      for (std::size_t i = 0; i < 8; ++i) header.put(checkpoint_magic[i]);
      header.put_fixed(checkpoint_version);
      header.put_fixed(std::uint64_t{size});
      header.put_fixed(sum.value());
      header.put_fixed(description_size);
      write_atomically(path, [&](std::ostream& out) {
        out.write(header.bytes().data(), checkpoint_header);
        each([&](const char* p, std::size_t n) { out.write(p, static_cast<std::streamsize>(n)); });
      });
    });
  }

  /// If it throws, nothing has changed.
  void load(const std::string& path) {
    naming_file(path, [&] { load(map_file(path)); });
  }

 private:
  using Array = std::pair<float*, std::size_t>;
  std::vector<Array> arrays(std::vector<float>& best, std::uint64_t version = checkpoint_version) const {
    std::vector<Array> a{{parameters_.values(), static_cast<std::size_t>(parameters_.size())}};
    for (const AlignedBytes& slot : optimizer_.slots())
      a.emplace_back(reinterpret_cast<float*>(slot.data()), slot.size() / sizeof(float));
    if (version >= 2) {
      for (std::vector<float>& state : freezer_.states()) a.emplace_back(state.data(), state.size());
      a.emplace_back(&freezer_.begun(), 1);
    }
    a.emplace_back(best.data(), best.size());
    return a;
  }

  std::string describe() const {
    ArchiveWriter to;
    to.put(name_);
    to.put_count(parameters_.list().size());
    for (const Parameter& p : parameters_.list()) {
      to.put(p.name);
      to.put(static_cast<std::uint8_t>(p.learned));
      to.put(std::vector<std::int64_t>(p.shape.begin(), p.shape.end()));
    }
    to.put(fingerprint_);
    to.put(static_cast<std::uint8_t>(kind_));
    to.put(optimizer_.steps());
    for (const AlignedBytes& slot : optimizer_.slots()) to.put(std::uint64_t{slot.size()});
    to.put(std::uint64_t{freezer_.states()[0].size()});
    to.put(std::uint64_t{best_.size()});
    write_position(position_, to);
    return to.bytes();
  }

  void load(const SharedBytes& file) {
    require<FormatError>(file.size >= checkpoint_header && std::memcmp(file.data.get(), checkpoint_magic, 8) == 0,
                         "expected a checkpoint of octet, found another format");
    ArchiveReader header(file.data.get() + 8, checkpoint_header - 8);
    const auto version = header.get_fixed<std::uint64_t>();
    require<FormatError>(version >= 1 && version <= checkpoint_version, "expected version 1 to ", checkpoint_version,
                         " of the format, found ", version);
    const auto size = header.get_fixed<std::uint64_t>(), checksum = header.get_fixed<std::uint64_t>(),
               description = header.get_fixed<std::uint64_t>();
    require<FormatError>(size == file.size, "expected a file of ", size, " bytes, found ", file.size);
    Checksum sum;
    sum.add(file.data.get() + checkpoint_header - 8, file.size - checkpoint_header + 8);
    require<FormatError>(checksum == sum.value(), "the file is damaged: its checksum is wrong");
    require<FormatError>(description <= file.size - checkpoint_header, "the description is longer than the file");
    ArchiveReader from(file.data.get() + checkpoint_header, description);
    check_model(from);
    const std::int64_t optimizer_steps = check_optimizer(from);
    if (version >= 2) check_freezer(from);
    std::vector<float> best(check_best(from));
    const TrainingPosition position = read_position(from, version);
    require<FormatError>(from.left() == 0, "the description has ", from.left(), " unexpected bytes at its end");
    ArchiveReader data(file.data.get() + checkpoint_header + description, file.size - checkpoint_header - description);
    std::size_t bytes = 0;
    for (const Array& a : arrays(best, version)) bytes += a.second * sizeof(float);
    require<FormatError>(data.left() == bytes, "expected ", bytes, " bytes of floats, found ", data.left());
    // No errors are possible from here on.
    for (const auto& [to, n] : arrays(best, version))
      if (n) std::memcpy(to, data.take(n * sizeof(float)), n * sizeof(float));
    optimizer_.set_steps(optimizer_steps);
    best_ = std::move(best);
    position_ = position;
  }

  void check_model(ArchiveReader& from) const {
    const auto& list = parameters_.list();
    const std::string of_another = "the checkpoint is of another model ('" + from.get_text() + "'): ";
    const std::size_t n = from.get_count(3);
    require<FormatError>(n == list.size(), of_another, "expected ", list.size(), " parameters, found ", n);
    for (const Parameter& p : list) {
      const std::string found = from.get_text();
      const bool learned = from.get_flag();
      const auto sizes = from.get_list<std::int64_t>();
      require<FormatError>(sizes.size() <= Shape::max_rank, "a parameter has ", sizes.size(),
                           " dimensions, expected at most ", Shape::max_rank);
      const Shape shape(sizes.begin(), sizes.end());
      require<FormatError>(found == p.name && learned == p.learned && shape == p.shape, of_another,
                           "expected parameter '", p.name, "' of shape ", p.shape, ", found '", found, "' of shape ",
                           shape);
    }
    require<FormatError>(from.get<std::uint64_t>() == fingerprint_, of_another,
                         "its layers or frozen weights differ from those of model '", name_, "'");
  }

  /// Returns the number of steps the optimizer has made.
  std::int64_t check_optimizer(ArchiveReader& from) const {
    const auto kind = from.get_enum(Optimizer::Kind::adamw);
    require<FormatError>(kind == kind_, "the checkpoint has the optimizer ", octet::name(kind), ", expected ",
                         octet::name(kind_));
    const auto steps = from.get<std::int64_t>();
    require<FormatError>(steps >= 0, "the number of steps is ", steps, ", expected at least 0");
    for (const AlignedBytes& slot : optimizer_.slots())
      require<FormatError>(
          from.get<std::uint64_t>() == slot.size(),
          "the optimizer's state in the checkpoint has a different size; expected the same momentum option");
    return steps;
  }

  void check_freezer(ArchiveReader& from) const {
    const auto n = from.get<std::uint64_t>();
    require<FormatError>(n == freezer_.states()[0].size(), "the checkpoint was made ", n == 0 ? "without" : "with",
                         " oscillation freezing, expected the same option");
  }

  std::size_t check_best(ArchiveReader& from) const {
    const auto n = from.get<std::uint64_t>();
    require<FormatError>(n == 0 || n == static_cast<std::uint64_t>(parameters_.size()), "the best weights have ", n,
                         " elements, expected ", parameters_.size());
    return static_cast<std::size_t>(n);
  }

  const std::string& name_;
  const Parameters& parameters_;
  std::uint64_t fingerprint_;
  OptimizerState& optimizer_;
  Optimizer::Kind kind_;
  OscillationFreezer& freezer_;
  TrainingPosition& position_;
  std::vector<float>& best_;
};

}  // namespace detail
OCTET_END
