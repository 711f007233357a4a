// A power cut at any change of the data directory: data that was not fsynced is gone, or survives in part. FACTORY_POWER_CUTS sets their
// number, FACTORY_CRASH_SEED where they begin (`tools/dev crash --power --rounds N --seed N`).
#include <atomic>
#include <chrono>
#include <csignal>
#include <filesystem>
#include <map>
#include <random>
#include <thread>

#include <fmt/format.h>
#include <gtest/gtest.h>

#include "integration/support/daemon.hpp"
#include "integration/support/ledger.hpp"
#include "integration/support/power_cut.hpp"
#include "integration/support/series.hpp"
#include "support/paths.hpp"

namespace factory::test {
namespace {

namespace fs = std::filesystem;
using survival = disk_record::survival;

constexpr std::size_t cuts_of_a_record = 6, records_of_a_plant = 4;

/// A plant that survives power cuts: each of its records is cut at several places, and the daemon continues from the last cut.
class plant_without_power {
 public:
  plant_without_power(std::uint64_t seed, series& part_of) : random_(seed), series_(part_of) {}

  /// The daemon works under the record until it is killed, or stopped in order.
  void live() {
    fs::remove(record_);
    fs::remove_all(before_);
    if (fs::exists(disk_)) fs::copy(disk_, before_, fs::copy_options::recursive);
    fs::create_directories(disk_);
    first_places();
    daemon recorded(
        disk_ / "data", options,
        {"LD_PRELOAD=" + disk_shim(), "FACTORY_SHIM_DIR=" + disk_.string(), "FACTORY_SHIM_RECORD=" + record_.string()});
    recorded.start();
    http_client api(recorded.api_port());
    if (!senders_) make_senders(api);
    const std::uint64_t until = acknowledged_ + 40 + random_() % 100;
    senders_->run(recorded.api_port(), UINT64_MAX, [&] {
      for (const char* job : {"rollup", "rewrite"}) {
        await_bodies(acknowledged_ + 10);
        (void)api.post(fmt::format("/api/jobs/{}/run", job), "");
      }
      await_bodies(until);
      random_() % 2 == 0 ? recorded.kill() : (void)recorded.stop();
    });
  }

  void cut_and_compare() {
    const disk_record record(record_, disk_, before_);
    for (std::size_t i = 0; i < cuts_of_a_record; ++i) {
      const bool last = i + 1 == cuts_of_a_record;
      const std::uint64_t at = last ? std::max(place_of_senders_, any_place(record)) : any_place(record);
      const auto what = static_cast<survival>(random_() % 3);
      SCOPED_TRACE(fmt::format("cut at {} of {}, survival {}", at, record.size(), static_cast<int>(what)));
      fs::remove_all(after_);
      record.after_cut(at, what, random_, after_);
      start_and_compare(at);
      if (testing::Test::HasFailure()) return;
      series_.round_done();
      if (!last) continue;
      fs::remove_all(disk_);
      fs::rename(after_, disk_);
      for (collector& c : senders_->each()) c.forget_after(bodies_at(c, at));
      place_of_senders_ = 0;
    }
  }

  void finish() {
    const std::uint64_t bodies = senders_->most_bodies() + 1;
    daemon last(disk_ / "data", options);
    last.start();
    senders_->run(last.api_port(), bodies);
    last.restart();
    http_client api(last.api_port());
    tally& done = series_.done();
    done.readings += senders_->compare(api);
    const outcome found = outcome_of(api, *senders_), undisturbed = undisturbed_outcome(*senders_, bodies);
    done.outcomes += undisturbed.size();
    done.differing += difference(found, undisturbed);
    EXPECT_EQ(found, undisturbed);
  }

 private:
  struct place {
    std::uint64_t record_bytes, bodies;
  };

  void make_senders(http_client& api) {
    senders_ = std::make_unique<collectors>(api);
    place_of_senders_ = fs::file_size(record_);
    first_places();
    senders_->on_acknowledged = [this](const collector& c) {
      places_.at(c.sensors().front()).push_back({fs::file_size(record_), c.bodies()});
      acknowledged_.fetch_add(1);
      acknowledged_.notify_all();
    };
  }
  void first_places() {
    places_.clear();
    if (!senders_) return;
    for (const collector& c : senders_->each()) places_[c.sensors().front()] = {{0, c.bodies()}};
  }
  /// Bodies that were acknowledged when the record was this long.
  std::uint64_t bodies_at(const collector& c, std::uint64_t at) const {
    std::uint64_t bodies = 0;
    for (const place& p : places_.at(c.sensors().front()))
      if (p.record_bytes <= at) bodies = p.bodies;
    return bodies;
  }
  /// Any byte, or just where an acknowledgement came.
  std::uint64_t any_place(const disk_record& record) {
    const auto& acknowledged = std::next(places_.begin(), static_cast<std::ptrdiff_t>(random_() % places_.size()))->second;
    return random_() % 2 == 0 ? random_() % (record.size() + 1) : acknowledged[random_() % acknowledged.size()].record_bytes;
  }

  void start_and_compare(std::uint64_t at) {
    daemon after(after_ / "data", options);
    after.start();
    if (at < place_of_senders_) return;  // the sensors themselves were not acknowledged yet
    http_client api(after.api_port());
    comparison found;
    for (const collector& c : senders_->each()) found += c.compare(api, bodies_at(c, at), true);
    EXPECT_TRUE(found.clean()) << testing::PrintToString(found);
    after.kill();
  }

  void await_bodies(std::uint64_t until) {
    for (std::uint64_t now = acknowledged_; now < until; now = acknowledged_) acknowledged_.wait(now);
  }

  const std::vector<std::string> options{"--checkpoint-bytes", "50000"};
  temp_directory directory_{"factoryd-power"};
  const fs::path disk_ = directory_.path() / "disk", before_ = directory_.path() / "before", after_ = directory_.path() / "after",
                 record_ = directory_.path() / "record";
  std::unique_ptr<collectors> senders_;
  std::uint64_t place_of_senders_ = 0;                  // in the record; 0 = before it
  std::map<std::uint32_t, std::vector<place>> places_;  // of a collector, by its first sensor
  std::atomic<std::uint64_t> acknowledged_{0};
  std::mt19937_64 random_;
  series& series_;
};

TEST(power_cut, loses_doubles_and_changes_nothing_that_was_acknowledged) {
  series rounds("tools/dev crash --power", "FACTORY_POWER_CUTS", 2 * cuts_of_a_record);
  rounds.run([&](std::uint64_t seed) {
    plant_without_power plant(seed, rounds);
    for (std::size_t i = 0; i < records_of_a_plant && rounds.more(); ++i) {
      SCOPED_TRACE(fmt::format("record {}", i + 1));
      plant.live();
      plant.cut_and_compare();
    }
    if (!HasFailure()) plant.finish();
  });
}

}  // namespace
}  // namespace factory::test
