// Disks that are full, fail, or turn read-only under a running daemon: only safe readings are acknowledged, served readings are
// right, and the service returns by itself.
#include <atomic>
#include <chrono>
#include <csignal>
#include <filesystem>
#include <memory>

#include <fmt/format.h>
#include <gtest/gtest.h>

#include "integration/support/daemon.hpp"
#include "integration/support/faulty_disk.hpp"
#include "integration/support/ledger.hpp"

namespace factory::test {
namespace {

using shim::fault;

struct disk_case {
  const char* name;
  fault how;
  const char* files = "";  ///< part of their paths
};
void PrintTo(const disk_case& c, std::ostream* out) { *out << c.name; }

class plant_on_a_faulty_disk : public testing::TestWithParam<disk_case> {
 protected:
  plant_on_a_faulty_disk() {
    process_.start();
    http_client api(process_.api_port());
    senders_ = std::make_unique<collectors>(api);
    senders_->on_acknowledged = [this](const collector&) { count(acknowledged_); };
    senders_->on_refusal = [this] {
      count(refused_);
      return true;
    };
  }
  static void count(std::atomic<std::uint64_t>& what) {
    what.fetch_add(1);
    what.notify_all();
  }
  static void await(const std::atomic<std::uint64_t>& what, std::uint64_t more) {
    const std::uint64_t until = what + more;
    for (std::uint64_t now = what; now < until; now = what) what.wait(now);
  }
  /// Stored readings are served meanwhile.
  void expect_refusal(unsigned status, const char* advice) {
    http_client api(process_.api_port());
    const auto refused = api.post("/api/readings", R"({"sensor_id":1,"value":1,"timestamp":1})");
    EXPECT_EQ(refused.status, status) << refused.body;
    EXPECT_NE(refused.body.find(advice), std::string::npos) << refused.body;
    EXPECT_EQ(api.get("/api/sensors/1/readings").status, 200);
  }
  void expect_all_of_it() {
    http_client api(process_.api_port());
    const comparison found = senders_->compare(api);
    EXPECT_TRUE(found.clean()) << testing::PrintToString(found);
  }
  void expect_what_an_undisturbed_daemon_has() {
    const std::uint64_t bodies = senders_->most_bodies();
    http_client api(process_.api_port());
    EXPECT_EQ(outcome_of(api, *senders_), undisturbed_outcome(*senders_, bodies));
  }

  temp_directory directory_{"factoryd-fault"};
  faulty_disk disk_{directory_.path()};
  daemon process_{directory_.path() / "data", {"--checkpoint-bytes", "50000"}, disk_.environment(directory_.path() / "data")};
  std::unique_ptr<collectors> senders_;
  std::atomic<std::uint64_t> acknowledged_{0}, refused_{0};
};

constexpr std::uint64_t last = 40;

TEST_F(plant_on_a_faulty_disk, full_refuses_until_there_is_room_and_goes_on_by_itself) {
  senders_->run(process_.api_port(), last, [&] {
    await(acknowledged_, 30);
    disk_.fail(fault::no_space, "");
    await(refused_, 20);
    expect_refusal(507, "make room on it");
    disk_.heal();
  });
  EXPECT_EQ(senders_->most_bodies(), last);
  process_.kill();
  process_.start();
  expect_all_of_it();
  expect_what_an_undisturbed_daemon_has();
}

TEST_P(plant_on_a_faulty_disk, refuses_until_it_is_repaired_and_started_again) {
  senders_->on_refusal = [this] {
    count(refused_);
    return refused_ < 20;
  };
  senders_->run(process_.api_port(), last, [&] {
    await(acknowledged_, 30);
    disk_.fail(GetParam().how, GetParam().files);
    await(refused_, 20);
    expect_refusal(503, "start factoryd again");
    disk_.heal();
  });
  EXPECT_EQ(process_.stop(), 0);
  process_.start();
  expect_all_of_it();
  senders_->run(process_.api_port(), last);
  process_.restart();
  expect_all_of_it();
  expect_what_an_undisturbed_daemon_has();
}

INSTANTIATE_TEST_SUITE_P(disk, plant_on_a_faulty_disk,
                         testing::Values(disk_case{"read_only", fault::read_only},
                                         disk_case{"failing_writes", fault::failing_write},
                                         disk_case{"failing_syncs", fault::failing_sync},
                                         disk_case{"over_quota", fault::over_quota}),
                         [](const auto& each) { return std::string(each.param.name); });

TEST_F(plant_on_a_faulty_disk, short_writes_change_nothing) {
  senders_->run(process_.api_port(), 40, [&] {
    await(acknowledged_, 30);
    disk_.fail(fault::short_write, "");
    await(acknowledged_, 60);
    EXPECT_GT(disk_.hits(), 0U);
    disk_.heal();
  });
  EXPECT_EQ(refused_, 0U);
  process_.kill();
  process_.start();
  expect_all_of_it();
  expect_what_an_undisturbed_daemon_has();
}

TEST_F(plant_on_a_faulty_disk, the_mirror_alone_suffers_from_its_own_file) {
  for (const fault how : {fault::no_space, fault::over_quota, fault::failing_write, fault::failing_sync}) {
    disk_.fail(how, "mirror.sqlite");
    senders_->run(process_.api_port(), senders_->most_bodies() + 20);
    EXPECT_EQ(refused_, 0U);
    disk_.heal();
    http_client api(process_.api_port());
    test::await([&] { return metric(api, "factory_mirror_lag_events") == 0; }, "the mirror to catch up");
  }
  expect_all_of_it();
  EXPECT_EQ(process_.stop(), 0);
}

TEST_F(plant_on_a_faulty_disk, a_start_that_cannot_write_says_why_and_a_later_one_has_all) {
  senders_->run(process_.api_port(), 20);
  process_.kill();
  for (const auto& [how, says] : {std::pair{fault::no_space, "is full"},
                                  {fault::over_quota, "quota"},
                                  {fault::read_only, "permissions"},
                                  {fault::failing_write, "check its disk"}}) {
    disk_.fail(how, "/db/");
    process_.launch();
    const auto ended = process_.process().wait(std::chrono::seconds(60));
    ASSERT_TRUE(ended) << ended.error().message;
    EXPECT_EQ(ended->code, 1);
    EXPECT_NE(process_.process().output().find(says), std::string::npos) << process_.process().output();
    disk_.heal();
  }
  process_.start();
  expect_all_of_it();
}

}  // namespace
}  // namespace factory::test
