#pragma once

#include <gtest/gtest.h>

#include <algorithm>
#include <cstdint>
#include <map>
#include <memory>
#include <random>
#include <stdexcept>
#include <utility>
#include <vector>

#include "storage/base/rocks.hpp"
#include "storage/block/block_key.hpp"
#include "storage/block/head.hpp"
#include "storage/series/time_series.hpp"
#include "storage/support/temporary_directory.hpp"

namespace factory::test {

using model = std::map<std::int64_t, double>;

inline constexpr sensor_id sensor = 7;

class time_series_test : public ::testing::Test {
 protected:
  time_series_test() { reopen(); }
  void reopen() {
    series_.reset();
    db_.reset();
    auto opened = database::open(directory_.path(), {});
    if (!opened) throw std::runtime_error(opened.error().message);
    db_ = std::move(*opened);
    series_ = std::make_unique<time_series>(*db_);
  }

  void put(std::int64_t time_us, double value) {
    head_.put(time_us, value, flag_none);
    stored_[time_us] = value;
  }
  /// Seals the head, some rows of it in a block of their own as those that came late are.
  void seal_head(std::mt19937_64* random = nullptr) {
    const reading_run rows = head_.take();
    reading_run regular, apart;
    for (std::size_t i = 0; i < rows.size(); ++i) {
      auto& to = random != nullptr && (*random)() % 4 == 0 ? apart : regular;
      to.push_back(rows.event_time_us[i], rows.value[i], rows.flags[i]);
    }
    for (const auto* part : {&regular, &apart})
      if (!part->empty()) sealing_.push_back(std::make_shared<const block>(seal(sensor, next_block_++, *part)));
  }
  void write(std::size_t count) {
    rocksdb::WriteBatch batch;
    auto& raw = db_->raw();
    for (std::size_t i = 0; i < count; ++i) batch.Put(raw.at(column::blocks), encode(key_of(*sealing_[i])), sealing_[i]->bytes);
    EXPECT_TRUE(raw.write(batch, false, "writing blocks"));
    for (std::size_t i = 0; i < count; ++i) on_disk_until_us_ = std::max(on_disk_until_us_, sealing_[i]->values.last_us);
    sealing_.erase(sealing_.begin(), sealing_.begin() + static_cast<std::ptrdiff_t>(count));
  }
  void store_head() {
    seal_head();
    write(sealing_.size());
  }
  sensor_cut cut() const { return {sensor, next_block_, sealing_, head_.rows(), on_disk_until_us_}; }
  reading_run everything() {
    const auto rows = series_->read(cut(), {}, SIZE_MAX, false);
    return rows ? *rows : throw std::runtime_error(rows.error().message);
  }

  temporary_directory directory_;
  std::unique_ptr<database> db_;
  std::unique_ptr<time_series> series_;
  head head_;
  std::uint32_t next_block_ = 1;
  std::vector<std::shared_ptr<const block>> sealing_;
  std::int64_t on_disk_until_us_ = INT64_MIN;
  model stored_;
};

inline std::vector<std::pair<std::int64_t, double>> rows_of(const reading_run& run) {
  std::vector<std::pair<std::int64_t, double>> rows;
  for (std::size_t i = 0; i < run.size(); ++i) rows.emplace_back(run.event_time_us[i], run.value[i]);
  return rows;
}
inline std::vector<std::pair<std::int64_t, double>> rows_of(const model& m, const time_range& range) {
  if (range.begin_us >= range.end_us) return {};
  return {m.lower_bound(range.begin_us), m.lower_bound(range.end_us)};
}

}  // namespace factory::test
