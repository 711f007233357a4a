#include <gtest/gtest.h>

#include <initializer_list>
#include <utility>
#include <vector>

#include "storage/support/journal_fixture.hpp"

namespace factory {
namespace {

using namespace test;

class journal_order : public journal_test {
 protected:
  static journal_entry readings_of(std::initializer_list<std::int64_t> times_us) {
    auto batch = std::make_shared<reading_batch>();
    batch->event_time_us = times_us;
    batch->value.resize(times_us.size());
    batch->slices = {{7, 0, static_cast<std::uint32_t>(times_us.size())}};
    return {0, 100, batch, nullptr, nullptr};
  }
  /// Commits the entries as one group; the place that each got in it, from 1.
  std::vector<std::uint64_t> places_of(std::vector<journal_entry> entries) {
    start_holding_the_first();
    std::vector<journal::ticket> tickets;
    tickets.push_back(journal_->begin(readings_of({0}), durability::buffered).value());
    wait_for_first();
    for (auto& each : entries) tickets.push_back(journal_->begin(std::move(each), durability::buffered).value());
    let_go();
    std::vector<std::uint64_t> places;
    for (std::size_t i = 1; i < tickets.size(); ++i) places.push_back(tickets[i].wait().value() - 1);
    return places;
  }
};

using places = std::vector<std::uint64_t>;

TEST_F(journal_order, bodies_that_wait_together_go_by_time) {
  EXPECT_EQ(places_of({readings_of({50, 59}), readings_of({30, 39}), readings_of({40, 49}), readings_of({20, 29})}),
            (places{4, 2, 3, 1}));
}

TEST_F(journal_order, a_body_that_may_correct_another_stays_behind_it) {
  EXPECT_EQ(places_of({readings_of({50, 55}), readings_of({41, 50}), readings_of({30})}), (places{2, 3, 1}));
}

TEST_F(journal_order, nothing_passes_a_change_of_limits_or_a_tick) {
  journal_entry limits, tick;
  limits.config = std::make_shared<config_change>();
  tick.tick = true;
  EXPECT_EQ(places_of({readings_of({50}), limits, readings_of({30}), tick, readings_of({20})}), (places{1, 2, 3, 4, 5}));
}

TEST_F(journal_order, what_comes_from_a_source_stays_in_its_order) {
  auto first = readings_of({50}), second = readings_of({30});
  first.source = std::make_shared<source_position>(source_position{"line", 0, 1});
  second.source = std::make_shared<source_position>(source_position{"line", 0, 2});
  EXPECT_EQ(places_of({first, second, readings_of({20})}), (places{2, 3, 1}));
}

}  // namespace
}  // namespace factory
