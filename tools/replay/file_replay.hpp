#pragma once

#include <array>
#include <atomic>
#include <chrono>
#include <future>
#include <memory>
#include <optional>
#include <string>

#include "replay/earlier_rows.hpp"
#include "replay/progress.hpp"
#include "replay/reader.hpp"
#include "replay/replay.hpp"
#include "replay/resume_file.hpp"
#include "replay/stored_tally.hpp"

namespace factory::replay {

/// The format of a file: from its name, else from what it begins with.
expected<file_format> guess_format(const std::string& path, text_window& text);

/// Sends one file: while a batch is being stored the next is decoded. Batches are sent one after the other.
class file_replay {
 public:
  struct context {
    const options& how;
    stored_tally& to;
    sensor_book& sensors;
    const std::atomic<bool>& stop;
    progress& shown;
    summary_figures& done;
  };
  file_replay(std::string path, context with);

  expected<outcome> run();
  /// Nothing is left to resume.
  void forget() const;

 private:
  expected<void> open();
  expected<bool> fast_turn();
  expected<bool> paced_turn();
  expected<bool> decode(std::size_t most, batch_builder& rows);
  void keep_range(batch_builder& rows);
  expected<std::vector<std::uint32_t>> find_repeats(const batch_builder& rows);
  expected<void> submit(batch_builder& rows, const place& upto);
  expected<void> wait();
  void save(bool now);
  void note_faults();

  std::string path_;
  context with_;
  std::unique_ptr<byte_source> source_;
  std::unique_ptr<text_window> text_;
  std::unique_ptr<reader> reader_;
  std::optional<resume_file> resume_;
  earlier_rows earlier_;
  std::array<batch_builder, 2> batches_;
  batch_builder kept_;       // what keep_range() keeps
  std::size_t filling_ = 0;  // the batch that is decoded into
  std::future<expected<changes>> sending_;
  std::uint64_t sending_size_ = 0;
  place sending_place_, begin_, acknowledged_;
  std::optional<std::int64_t> first_time_us_;  // paced: this reading went out at first_sent_
  std::chrono::steady_clock::time_point first_sent_, last_save_;
  std::optional<error> save_trouble_;
};

}  // namespace factory::replay
