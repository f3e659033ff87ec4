// Saves a model in all formats. Argument: the folder of the files, and "octet" if only .octet can be written.
#include <cstdio>
#include <cstring>
#include <octet/export/save.hpp>
#include <octet/models/small_cnn.hpp>

int main(int count, char** arguments) {
  const octet::Model model = octet::small_cnn();
  const bool only_octet = count > 2;
  octet::save(model, arguments[1] + std::string("/model.octet"));
  for (const char* name : {"/model.onnx", "/model.tflite"}) {
    std::string error;
    try {
      octet::save(model, arguments[1] + std::string(name));
    } catch (const octet::FormatError& e) {
      error = e.what();
    }
    const bool right = error.find(name) != std::string::npos && error.find("<octet/io/save.hpp>") != std::string::npos;
    if (only_octet ? right : error.empty()) continue;
    std::printf("%s: unexpected: '%s'\n", name, error.c_str());
    return 1;
  }
}
