// fuzz_TARGET CORPUS_DIR MUTATIONS: the inputs of the corpus, then that many damaged ones, the same in every run.
// For compilers without libFuzzer, and for the ordinary tests: a bounded number, no time.
#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <charconv>
#include <csignal>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <random>
#include <string>

#include "fuzz/fuzz.hpp"

namespace {

constexpr std::size_t most_bytes = 4096;
constexpr const char* crash_file = "fuzz-crash";

std::string current;

/// Saves the failing input for a single run: libFuzzer's programs take it as an argument.
void keep_input(int signal) {
  const int fd = ::open(crash_file, O_CREAT | O_TRUNC | O_WRONLY | O_CLOEXEC, 0644);
  if (fd >= 0 && ::write(fd, current.data(), current.size()) >= 0) ::close(fd);
  std::signal(signal, SIG_DFL);
  std::raise(signal);
}

void run(const std::string& input) {
  current = input;
  LLVMFuzzerTestOneInput(reinterpret_cast<const std::uint8_t*>(current.data()), current.size());
}

std::vector<std::string> corpus_of(const char* directory) {
  std::vector<std::filesystem::path> files;
  for (const auto& entry : std::filesystem::directory_iterator(directory)) files.push_back(entry.path());
  std::ranges::sort(files);
  std::vector<std::string> inputs;
  for (const auto& file : files) {
    std::ifstream in(file, std::ios::binary);
    inputs.emplace_back(std::istreambuf_iterator<char>(in), std::istreambuf_iterator<char>());
  }
  return inputs;
}

class mutator {
 public:
  explicit mutator(const std::vector<std::string>& corpus) : corpus_(corpus) {}

  std::string next() {
    std::string text = any();
    for (std::size_t damage = 1 + below(4); damage > 0; --damage) change(text);
    if (text.size() > most_bytes) text.resize(most_bytes);
    return text;
  }

 private:
  const std::string& any() { return corpus_[below(corpus_.size())]; }
  std::size_t below(std::size_t bound) { return bound == 0 ? 0 : random_() % bound; }

  void change(std::string& text) {
    const std::size_t at = below(text.size() + 1), length = below(std::min<std::size_t>(text.size() - at, 64) + 1);
    switch (below(6)) {
      case 0:
        if (at < text.size()) text[at] = static_cast<char>(random_());
        break;
      case 1:
        if (at < text.size()) text[at] = static_cast<char>(text[at] ^ (1 << below(8)));
        break;
      case 2: text.insert(at, 1, static_cast<char>(random_())); break;
      case 3: text.erase(at, length); break;
      case 4: text.insert(at, text.substr(at, length)); break;
      default: {
        const std::string& other = any();
        const std::size_t from = below(other.size() + 1);
        text.insert(at, other.substr(from, below(64)));
      }
    }
  }

  const std::vector<std::string>& corpus_;
  std::mt19937_64 random_{20260119};
};

}  // namespace

int main(int argc, char** argv) {
  std::size_t mutations = 0;
  const std::string_view count = argc == 3 ? argv[2] : "";
  if (std::from_chars(count.data(), count.data() + count.size(), mutations).ec != std::errc{}) {
    std::fprintf(stderr, "usage: %s CORPUS_DIR MUTATIONS\n", argv[0]);
    return 2;
  }
  const auto corpus = corpus_of(argv[1]);
  if (corpus.empty()) {
    std::fprintf(stderr, "%s: %s holds no inputs\n", argv[0], argv[1]);
    return 2;
  }
  for (const int signal : {SIGABRT, SIGSEGV, SIGFPE, SIGILL, SIGBUS}) std::signal(signal, keep_input);
  for (const std::string& input : corpus) run(input);
  mutator damaged(corpus);
  for (std::size_t i = 0; i < mutations; ++i) run(damaged.next());
  std::printf("%zu inputs of the corpus and %zu damaged ones\n", corpus.size(), mutations);
}
