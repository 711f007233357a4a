// A flipped bit in a stored file: the start is refused with advice, or the answer is an error, or everything is right. No wrong value is served.
#include <chrono>
#include <csignal>
#include <cstdint>
#include <filesystem>
#include <fstream>
#include <memory>
#include <random>

#include <fmt/format.h>
#include <gtest/gtest.h>

#include "integration/support/daemon.hpp"
#include "integration/support/ledger.hpp"

namespace factory::test {
namespace {

namespace fs = std::filesystem;

class damaged_directory : public testing::TestWithParam<const char*> {
 protected:
  /// Table files from a recovery, and a log behind them.
  damaged_directory() {
    daemon whole(whole_, options);
    whole.start();
    http_client api(whole.api_port());
    senders_ = std::make_unique<collectors>(api);
    for (const std::uint64_t bodies : {20U, 24U}) {
      senders_->run(whole.api_port(), bodies);
      whole.kill();
      if (bodies == 20) whole.start();
    }
  }

  /// Flips a bit of a file with this text in its name; returns a description.
  std::string turn_a_bit(const std::string& kind) {
    std::vector<fs::path> files;
    for (const auto& entry : fs::recursive_directory_iterator(damaged_))
      if (entry.is_regular_file() && entry.file_size() > 0 && entry.path().filename().string().find(kind) != std::string::npos)
        files.push_back(entry.path());
    if (files.empty()) throw std::runtime_error("no file " + kind);
    std::sort(files.begin(), files.end());
    const fs::path& file = files[random_() % files.size()];
    const auto place = static_cast<std::streamoff>(random_() % fs::file_size(file));
    std::fstream bytes(file, std::ios::binary | std::ios::in | std::ios::out);
    const int byte = bytes.seekg(place).get();
    bytes.seekp(place).put(static_cast<char>(byte ^ (1 << random_() % 8)));
    return fmt::format("a bit of byte {} of {}", place, file.filename().string());
  }

  static bool has(const std::string& text, std::string_view what) { return text.find(what) != std::string::npos; }

  /// All right, or an error that says so.
  void expect_no_wrong_value(daemon& running) {
    http_client api(running.api_port());
    try {
      const comparison found = senders_->compare(api);
      EXPECT_TRUE(found.clean()) << testing::PrintToString(found);
    } catch (const std::runtime_error& refused) {
      EXPECT_TRUE(has(refused.what(), "was answered 500") || has(refused.what(), "was answered 503")) << refused.what();
    }
  }

  const std::vector<std::string> options{"--checkpoint-bytes", "50000"};
  temp_directory directory_{"factoryd-damage"};
  const fs::path whole_ = directory_.path() / "whole", damaged_ = directory_.path() / "damaged";
  std::unique_ptr<collectors> senders_;
  std::mt19937_64 random_{7};
};

TEST_P(damaged_directory, is_refused_or_harmless) {
  const std::string kind = GetParam();
  for (int i = 0; i < (kind == ".log" ? 6 : 2); ++i) {
    fs::remove_all(damaged_);
    fs::copy(whole_, damaged_, fs::copy_options::recursive);
    SCOPED_TRACE(turn_a_bit(kind));
    daemon it(damaged_, options);
    it.launch();
    if (it.process().wait_for_line("ready", std::chrono::seconds(120))) {
      it.await_ready();
      expect_no_wrong_value(it);
      it.kill();
    } else {
      const auto ended = it.process().wait(std::chrono::seconds(120));
      EXPECT_EQ(ended->code, 1);
      EXPECT_TRUE(has(it.process().output(), "factoryd: Data directory") ||
                  has(it.process().output(), "restore the newest snapshot"))
          << it.process().output();
    }
  }
}

INSTANTIATE_TEST_SUITE_P(files, damaged_directory,
                         testing::Values(".sst", ".log", "MANIFEST", "CURRENT", "FORMAT", "mirror.sqlite"), [](const auto& each) {
                           std::string name = each.param;
                           std::erase_if(name, [](unsigned char c) { return !std::isalnum(c); });
                           return name;
                         });

}  // namespace
}  // namespace factory::test
