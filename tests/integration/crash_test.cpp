// kill -9 at any instant: every acknowledged reading exists once, no reading that was never sent exists, and the computed results are
// those of an undisturbed daemon. FACTORY_CRASH_ROUNDS sets the number of kills, FACTORY_CRASH_SEED where they begin
// (`tools/dev crash --rounds N --seed N`).
#include <array>
#include <atomic>
#include <chrono>
#include <csignal>
#include <filesystem>
#include <random>
#include <thread>

#include <fmt/format.h>
#include <gtest/gtest.h>

#include "integration/support/daemon.hpp"
#include "integration/support/ledger.hpp"
#include "integration/support/series.hpp"

namespace factory::test {
namespace {

using namespace std::chrono_literals;

enum class phase { load, start, checkpoint, trimmed, stop, rollup, rewrite, mirror };
constexpr std::array<const char*, 8> names{"load",    "start and recovery", "checkpoint",    "right after one", "stop",
                                           "roll-up", "rewriting",          "mirror rebuild"};
constexpr std::size_t kills_per_directory = 2 * names.size();

/// How many kills came before their phase had ended.
using kills_within = std::array<std::size_t, names.size()>;

std::size_t count(std::string_view text, std::string_view what) {
  std::size_t found = 0;
  for (std::size_t at = text.find(what); at != std::string_view::npos; at = text.find(what, at + 1)) ++found;
  return found;
}

/// One data directory, its senders, and a daemon that is killed over and over.
class plant_under_fire {
 public:
  plant_under_fire(std::uint64_t seed, series& part_of, kills_within& within) : random_(seed), series_(part_of), within_(within) {
    daemon_.start();
    http_client api(daemon_.api_port());
    senders_ = std::make_unique<collectors>(api);
    senders_->on_acknowledged = [this](const collector&) {
      acknowledged_.fetch_add(1);
      acknowledged_.notify_all();
      if (slowly_) std::this_thread::sleep_for(8ms);  // not a wait: it keeps the comparison small
    };
  }

  void kill_in(phase where) {
    switch (where) {
      case phase::load: return kill_under_load([this] { await_bodies(5 + random_() % 60); }, where, {}, {});
      case phase::start: return kill_while_starting();
      case phase::checkpoint: return kill_at_checkpoint(where, "checkpoint: begins", "checkpoint: done");
      case phase::trimmed: return kill_at_checkpoint(where, "checkpoint: done", {});
      case phase::stop: return kill_while_stopping();
      case phase::rollup: return kill_in_job("rollup", where);
      case phase::rewrite: return kill_in_job("rewrite", where);
      case phase::mirror: return kill_while_rebuilding_the_mirror();
    }
  }

  void restart_and_compare() {
    daemon_.start();
    http_client api(daemon_.api_port());
    const comparison found = senders_->compare(api);
    EXPECT_TRUE(found.clean()) << testing::PrintToString(found);
    compared_ = found;
  }

  /// Lets every sender finish, so that all readings are known, and compares the results computed from them.
  void finish() {
    const std::uint64_t bodies = senders_->most_bodies() + 1;
    senders_->run(daemon_.api_port(), bodies);
    daemon_.stop();
    restart_and_compare();
    tally& done = series_.done();
    done.readings += compared_;
    http_client api(daemon_.api_port());
    const outcome disturbed = outcome_of(api, *senders_), undisturbed = undisturbed_outcome(*senders_, bodies);
    done.outcomes += undisturbed.size();
    done.differing += difference(disturbed, undisturbed);
    EXPECT_EQ(disturbed, undisturbed);
  }

 private:
  /// Kills at some instant after `when` has returned; it was within the phase when the daemon printed more `begins` than `ends`.
  void kill_under_load(const std::function<void()>& when, phase where, std::string_view begins, std::string_view ends) {
    senders_->run(daemon_.api_port(), UINT64_MAX, [&] {
      when();
      any_instant(3ms);
      daemon_.kill();
    });
    const std::string printed = daemon_.process().output();
    enter(where, begins.empty() || count(printed, begins) > (ends.empty() ? 0 : count(printed, ends)));
  }

  /// The daemon checks once a second whether a checkpoint is due.
  void kill_at_checkpoint(phase where, std::string_view begins, std::string_view ends) {
    slowly_ = true;
    kill_under_load([&] { await_text(begins); }, where, begins, ends);
    slowly_ = false;
  }

  void kill_in_job(const std::string& job, phase where) {
    std::jthread asking;
    const auto under_way = [&] {
      await_bodies(20);
      asking = std::jthread([port = daemon_.api_port(), job] {
        http_client api(port);
        try {
          (void)api.post("/api/jobs/" + job + "/run", "");
        } catch (const connection_lost&) {
        }
      });
      await_text("job " + job + " begins");
    };
    kill_under_load(under_way, where, "job " + job + " begins", "job " + job + ":");
  }

  void kill_while_starting() {
    daemon_.kill();
    daemon_.launch();
    any_instant(80ms);
    daemon_.kill();
    enter(phase::start, count(daemon_.process().output(), "ready api=") == 0);
  }

  void kill_while_stopping() {
    bool ended = false;
    senders_->run(daemon_.api_port(), UINT64_MAX, [&] {
      await_bodies(20);
      daemon_.process().signal(SIGTERM);
      any_instant(20ms);
      daemon_.kill();
      ended = count(daemon_.process().output(), "ended in order") != 0;
    });
    enter(phase::stop, !ended);
  }

  void kill_while_rebuilding_the_mirror() {
    daemon_.kill();
    for (const char* suffix : {"", "-wal", "-shm"})
      std::filesystem::remove(daemon_.data_dir() / ("mirror.sqlite" + std::string(suffix)));
    daemon_.launch();
    await_text("is made anew");
    any_instant(20ms);
    daemon_.kill();
    enter(phase::mirror, count(daemon_.process().output(), "mirror: caught up") == 0);
  }

  void enter(phase where, bool within) {
    if (within) ++within_[static_cast<std::size_t>(where)];
  }
  void await_bodies(std::uint64_t more) {
    const std::uint64_t until = acknowledged_ + more;
    for (std::uint64_t now = acknowledged_; now < until; now = acknowledged_) acknowledged_.wait(now);
  }
  void await_text(std::string_view text) {
    const auto line = daemon_.process().wait_for_text(text, 120s);
    if (!line) throw std::runtime_error(line.error().message);
  }
  /// Not a wait: it picks the instant of the kill.
  void any_instant(std::chrono::microseconds within) {
    std::this_thread::sleep_for(std::chrono::microseconds(random_() % static_cast<std::uint64_t>(within.count())));
  }

  temp_directory directory_{"factoryd-crash"};
  daemon daemon_{directory_.path() / "data", {"--log-level", "debug", "--checkpoint-bytes", "50000"}};
  std::unique_ptr<collectors> senders_;
  std::atomic<std::uint64_t> acknowledged_{0};
  std::atomic<bool> slowly_{false};
  std::mt19937_64 random_;
  series& series_;
  kills_within& within_;
  comparison compared_;
};

std::string text_of(const kills_within& within) {
  std::string phases;
  for (std::size_t i = 0; i < names.size(); ++i) phases += fmt::format("{}{} {}", i ? ", " : "", names[i], within[i]);
  return "kills within: " + phases;
}

TEST(kill_9, loses_doubles_and_changes_nothing_that_was_acknowledged) {
  series rounds("tools/dev crash", "FACTORY_CRASH_ROUNDS", names.size());
  kills_within within{};
  rounds.run([&](std::uint64_t seed) {
    plant_under_fire plant(seed, rounds, within);
    for (std::size_t i = 0; i < kills_per_directory && rounds.more(); ++i) {
      SCOPED_TRACE(fmt::format("kill {} in the directory", i + 1));
      plant.kill_in(static_cast<phase>(i % names.size()));
      plant.restart_and_compare();
      if (!HasFailure()) rounds.round_done();
    }
    if (!HasFailure()) plant.finish();
  });
  fmt::print("{}\n", text_of(within));
}

}  // namespace
}  // namespace factory::test
