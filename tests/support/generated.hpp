#pragma once
#include <cstring>
#include <octet/export/cpp/cpp.hpp>

#include "exported.hpp"
#include "files.hpp"

/// Programs that octet writes: compiled, and run beside the executor.
namespace testing {

/// The host's compiler; empty if there is none.
inline std::string host_compiler() {
  const char* chosen = std::getenv("CXX");
  for (const std::string& name : {std::string(chosen ? chosen : ""), std::string("c++"), std::string("g++")})
    if (!name.empty() && std::system((name + " --version > /dev/null 2>&1").c_str()) == 0) return name;
  return {};
}

/// Runs a command; its messages are shown if it fails.
inline bool succeeds(const std::string& command, const std::string& log) {
  const bool done = std::system(("( " + command + " ) > '" + log + "' 2>&1").c_str()) == 0;
  if (!done) {
    std::ifstream file(log);
    std::string text(4000, '\0');
    file.read(text.data(), 4000);
    text.resize(static_cast<std::size_t>(file.gcount()));
    MESSAGE(command, "\n", text);
  }
  return done;
}

/// The folder of a checkout of Arm's CMSIS-NN (OCTET_CMSIS_NN_DIR, of the environment or of CMake); empty if there is
/// none.
inline std::string cmsis_nn_folder() {
  const char* folder = std::getenv("OCTET_CMSIS_NN_DIR");
#ifdef OCTET_CMSIS_NN_DIR
  if (!folder) folder = OCTET_CMSIS_NN_DIR;
#endif
  return folder && std::filesystem::exists(std::string(folder) + "/Include/arm_nnfunctions.h") ? folder : "";
}

/// Models in one program, each with some inputs.
class GeneratedPrograms {
 public:
  /// cmsis_nn: a folder of CMSIS-NN for programs that call it.
  explicit GeneratedPrograms(std::string cmsis_nn = "") : cmsis_nn_(std::move(cmsis_nn)) {}

  /// Writes the model and runs the executor. Throws FormatError if C++ source cannot express it.
  CppSource add(const std::string& label, const Model& m, int runs = 3) {
    CppOptions options;
    options.name = "case_" + std::to_string(count_);
    options.cmsis_nn = !cmsis_nn_.empty();
    const Model exact = options.cmsis_nn ? for_cmsis_nn(m) : m;
    CppSource source = export_cpp(m, folder_ / "", options);
    const std::string name = options.name;
    unit_ += "#include \"" + name + ".cpp\"\n";
    std::string memory, reads, writes, arguments;
    const auto list = [&](const std::vector<int>& values, const std::string& what, std::string& use, const char* call) {
      for (std::size_t i = 0; i < values.size(); ++i) {
        const std::string at = name + "::" + what + "put_" + std::to_string(i), variable = what + std::to_string(i);
        memory += "  static " + at + "::type " + variable + "[" + at + "::size];\n";
        use += "    " + std::string(call) + "(" + variable + ", sizeof " + variable + ");\n";
        arguments += (arguments.empty() ? "" : ", ") + variable;
      }
    };
    list(m.inputs, "in", reads, "receive");
    list(m.outputs, "out", writes, "send");
    const std::string run = name + "::run(" + arguments + ")";
    main_ += "  {\n" + memory + "  for (int i = 0; i < " + std::to_string(runs) + "; ++i) {\n" + reads + "    " +
             (options.cmsis_nn ? "if (!" + run + ") return" : run) + ";\n" + writes + "  }\n  }\n";
    includes_ += "#include \"" + name + ".hpp\"\n";
    for (int i = 0; i < runs; ++i) {
      const std::vector<AnyTensor> in = random_inputs(m, 100 + 10 * static_cast<unsigned>(i));
      for (const AnyTensor& t : in) inputs_.append(reinterpret_cast<const char*>(t.data()), t.size_bytes());
      for (const AnyTensor& t : run_model(exact, in))
        expected_.append(reinterpret_cast<const char*>(t.data()), t.size_bytes());
    }
    ends_.push_back(expected_.size());
    labels_.push_back(label);
    ++count_;
    return source;
  }

  const TemporaryFolder& folder() const { return folder_; }
  const std::string& inputs() const { return inputs_; }
  const std::string& unit() const { return unit_; }
  /// A function `void all()`, which calls receive(memory, bytes) and send(memory, bytes).
  std::string all_function() const { return includes_ + "void all() {\n" + main_ + "}\n"; }

  /// Compiles the models as for a device, and compares what they compute. `flags`: for both files.
  void check(const std::string& compiler, const std::string& flags) const {
    CAPTURE(flags);
    folder_.write("unit.cpp", unit_);
    folder_.write("inputs", inputs_);
    folder_.write("main.cpp", "#include <cstddef>\n#include <cstdio>\n#include <cstdlib>\n" +
                                  std::string("void receive(void* p, std::size_t n) { if (std::fread(p, 1, n, stdin) "
                                              "!= n) std::exit(3); }\n"
                                              "void send(const void* p, std::size_t n) { std::fwrite(p, 1, n, stdout); "
                                              "}\n") +
                                  all_function() + "int main() { all(); }\n");
    const std::string strict =
        " -Wall -Wextra -Wconversion -Wshadow -Wpedantic -Werror -fno-exceptions -fno-rtti -ffreestanding";
    const std::string go = "cd '" + (folder_ / "") + "' && " + compiler + " -std=c++17 " + flags;
    const std::string library = compile_cmsis_nn(compiler, "-O2 " + flags);
    REQUIRE(succeeds(go + strict + include_option() + " -c unit.cpp -o unit.o", folder_ / "log"));
    REQUIRE(succeeds(go + " main.cpp unit.o" + library + " -o program", folder_ / "log"));
    REQUIRE(succeeds("cd '" + (folder_ / "") + "' && ./program < inputs > outputs", folder_ / "log"));
    std::ifstream file(folder_ / "outputs", std::ios::binary);
    compare({std::istreambuf_iterator<char>(file), {}});
  }

  /// The same for a device that qemu-system-arm emulates.
  void check_device(const std::string& flags, const std::string& board, const std::string& start_up) const {
    CAPTURE(board);
    folder_.write("unit.cpp", unit_);
    std::string bytes;
    for (char c : inputs_) bytes += std::to_string(static_cast<int>(static_cast<unsigned char>(c))) + ",";
    folder_.write("inputs.cpp", "extern \"C\" const unsigned char inputs[] = {" + bytes + "};\n");
    folder_.write("main.cpp",
                  "#include <cstddef>\nvoid receive(void* p, std::size_t n);\n"
                  "void send(const void* p, std::size_t n);\n" +
                      all_function());
    const std::string options =
        " -std=c++17 -O2 -ffreestanding -fno-exceptions -fno-rtti -Wall -Wextra -Werror " + flags + include_option();
    const std::string library = compile_cmsis_nn("arm-none-eabi-g++", "-O2 " + flags);
    REQUIRE(succeeds("cd '" + (folder_ / "") + "' && arm-none-eabi-g++" + options + " -nostdlib -T '" + start_up +
                         "/device.ld' '" + start_up + "/start.cpp' unit.cpp main.cpp inputs.cpp" + library +
                         " -lgcc -o device",
                     folder_ / "log"));
    REQUIRE(succeeds("cd '" + (folder_ / "") + "' && timeout 300 qemu-system-arm -M " + board +
                         " -nographic -semihosting-config enable=on,target=native -kernel device > outputs 2>&1",
                     folder_ / "log"));
    std::ifstream file(folder_ / "outputs");
    std::string text, found;
    file >> text;
    for (std::size_t i = 0; i + 1 < text.size(); i += 2)
      found += static_cast<char>(std::stoi(text.substr(i, 2), nullptr, 16));
    compare(found);
  }

  /// Compares the outputs of all runs with the executor's.
  void compare(const std::string& found) const {
    REQUIRE(found.size() == expected_.size());
    std::size_t begin = 0;
    for (std::size_t i = 0; i < ends_.size(); begin = ends_[i++]) {
      std::size_t different = 0;
      for (std::size_t k = begin; k < ends_[i]; ++k) different += found[k] != expected_[k];
      CAPTURE(labels_[i]);
      CHECK(different == 0);
    }
  }

 private:
  std::string include_option() const { return cmsis_nn_.empty() ? "" : " -isystem '" + cmsis_nn_ + "/Include'"; }
  /// Compiles the integer functions of CMSIS-NN. Returns the objects.
  std::string compile_cmsis_nn(const std::string& compiler, const std::string& flags) const {
    if (cmsis_nn_.empty()) return "";
    // One file at a time: g++ takes only the first after -x c as C.
    REQUIRE(succeeds("cd '" + (folder_ / "") + "' && rm -rf cmsis_nn && mkdir cmsis_nn && cd cmsis_nn && find '" +
                         cmsis_nn_ +
                         "/Source' -name '*.c' ! -name '*_f16*' ! -name '*_f32*' ! -name '*_flt*' -print0 " +
                         "| xargs -0 -n 1 " + compiler + " -x c -w " + flags + " -I'" + cmsis_nn_ + "/Include' -c",
                     folder_ / "log"));
    return " cmsis_nn/*.o";
  }

  TemporaryFolder folder_;
  std::string cmsis_nn_;
  int count_ = 0;
  std::string includes_, unit_, main_, inputs_, expected_;
  std::vector<std::size_t> ends_;  // of the outputs of each model
  std::vector<std::string> labels_;
};

}  // namespace testing
