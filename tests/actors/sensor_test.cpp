#include "actors/sensors/sensor.hpp"

#include "actors/engine/limits.hpp"
#include "actors/sensors/saved_state.hpp"
#include "actors/support/deterministic.hpp"
#include "actors/support/messages.hpp"
#include "storage/base/limits.hpp"
#include "support/times.hpp"

namespace factory::test {
namespace {

constexpr sensor_id id = 7;
constexpr time_range everything{};

/// A sensor actor in front of a stand-in for the stages, which notes what comes.
struct sensor_test : deterministic {
  sensor_test() { begin(); }

  void begin() {
    const auto behind = spawn(
        [](stage_actor::pointer, sensor_test* at) -> stage_actor::behavior_type {
          return {[at](const found_events& part) { at->found.push_back(part); },
                  [at](const alarm_readings& part) { at->alarms.push_back(part); },
                  [at](const new_config& part) { at->configs.push_back(part); },
                  [at](const new_command& part) { at->commands.push_back(part); },
                  [at](const new_tick& part) { at->ticks.push_back(part.at); },
                  [at](const adopt_order& part) { at->adopted.push_back(part); },
                  [at](const save_order& part) { at->snapshots.push_back(part); },
                  [at](const drain_order& part) { at->drains.push_back(part); },
                  [at](const retire_order& part) { at->retired.push_back(part.sensor); }};
        },
        this);
    auto line = std::make_shared<stage_line>();
    line->add(
        {"all",
         {stage_input::found_events, stage_input::alarm_readings, stage_input::config, stage_input::command, stage_input::tick},
         true,
         false,
         {}},
        behind);
    actor = spawn(sensor, sensor_parts{id, true, line, 0, nullptr, book}, stream_rules{});
  }
  /// What the test did to the actor so far goes on in a new one that starts from `order`.
  void begin_again(restore_order order) {
    begin();
    send(std::move(order));
  }
  void begin_new() { send(restore_order{}); }
  void send(new_readings message) { caf::anon_send(actor, std::move(message)); }
  template <class Order>
  void send(Order order) {
    caf::anon_send(actor, sensor_order{std::move(order)});
  }
  void send_readings(std::uint64_t sequence, const timed_values& rows) { send(made.readings(sequence, id, rows)); }
  reply<sensor_view>::waiter ask() {
    auto [answer, waiter] = reply<sensor_view>::make();
    send(view_request{everything, view_more::status, std::move(answer)});
    return waiter;
  }
  sensor_view view() {
    auto waiter = ask();
    run();
    return waiter.wait_for(0).value();
  }
  completion::waiter persist() {
    auto [stored, waiter] = completion::make();
    send(persist_request{std::move(stored)});
    run();
    return waiter;
  }
  /// As the threshold stage would complete it.
  static std::shared_ptr<const std::string> joined(const saved_sensor& snapshot, std::string_view board = {}) {
    auto whole = snapshot.state;
    put_stage_part(whole, snapshot.applied_sequence, board);
    return std::make_shared<const std::string>(std::move(whole));
  }

  committer made;
  std::shared_ptr<tick_book> book = std::make_shared<tick_book>([this](sensor_id, const tick& at) { told.push_back(at); });
  std::vector<tick> told;  ///< by the book, to the sensor
  std::vector<found_events> found;
  std::vector<alarm_readings> alarms;
  std::vector<new_config> configs;
  std::vector<save_order> snapshots;
  std::vector<adopt_order> adopted;
  std::vector<drain_order> drains;
  std::vector<new_command> commands;
  std::vector<tick> ticks;
  std::vector<sensor_id> retired;
  sensor_actor actor;
};

TEST_F(sensor_test, passes_a_tick_on_behind_what_came_before_and_stores_its_state_again) {
  begin_new();
  send(new_tick{{1, ten_us}, id});
  send(persist_request{});
  run();
  EXPECT_EQ(ticks, (std::vector<tick>{{1, ten_us}}));
  ASSERT_EQ(snapshots.size(), 1U);
  EXPECT_EQ(snapshots.front().snapshot->applied_sequence, 1U);
}

/// Kind and time of what was found of a sensor's silence.
std::vector<std::pair<event_kind, std::int64_t>> silences(const std::vector<found_events>& found) {
  std::vector<std::pair<event_kind, std::int64_t>> out;
  for (const auto& part : found)
    for (const auto& each : part.events)
      if (each.key.source == event_source::silent) out.emplace_back(each.key.kind, each.at_us);
  return out;
}

TEST_F(sensor_test, is_silent_when_a_tick_says_so_or_the_next_reading_and_both_tell_the_same) {
  const auto newest_us = ten_us + 39 * second_us, due_us = newest_us + 60 * second_us;
  for (const bool is_told : {true, false}) {
    found.clear();
    book = std::make_shared<tick_book>([this](sensor_id, const tick& at) { told.push_back(at); });
    begin();
    begin_new();
    send_readings(1, calm(0, 40));
    run();
    EXPECT_EQ(book->due_us(), due_us);
    if (is_told) {
      book->put({2, due_us + second_us / 2});
      ASSERT_EQ(told.size(), 1U);
      send(new_tick{told.front(), id});
      run();
      EXPECT_EQ(silences(found).size(), 1U);
      EXPECT_EQ(book->due_us(), std::nullopt);
      const auto waiter = persist();
      begin_again(restore_order{2, joined(*snapshots.back().snapshot), {}});
    }
    send_readings(3, calm(140, 1));
    run();
    EXPECT_EQ(silences(found),
              (std::vector<std::pair<event_kind, std::int64_t>>{{event_kind::anomaly_opened, due_us},
                                                                {event_kind::anomaly_closed, ten_us + 140 * second_us}}));
  }
}

TEST_F(sensor_test, takes_the_tick_before_the_reading_that_follows_it_however_late_it_gets_to_it) {
  begin_new();
  send_readings(1, calm(0, 40));
  run();
  book->put({2, ten_us + 100 * second_us});
  send_readings(3, {{ten_us + 45 * second_us, 20}});  // came late, in the minute of silence
  run();
  const std::vector<std::pair<event_kind, std::int64_t>> opened_and_taken_back{
      {event_kind::anomaly_opened, ten_us + 99 * second_us}, {event_kind::withdrawn, ten_us + 99 * second_us}};
  EXPECT_EQ(silences(found), opened_and_taken_back);
}

TEST_F(sensor_test, a_sensor_whose_readings_are_of_the_past_is_not_waited_for) {
  begin_new();
  send(made.readings(1, id, calm(0, 40), ten_us + 3'600 * second_us));
  run();
  EXPECT_EQ(book->due_us(), std::nullopt);
}

TEST_F(sensor_test, passes_a_command_on_once) {
  begin_new();
  const auto command = std::make_shared<const operator_command>(operator_command{id, "Ann", {}});
  for (int i = 0; i < 2; ++i) send(new_command{1, ten_us, command});
  run();
  ASSERT_EQ(commands.size(), 1U);
  EXPECT_EQ(commands.front().command->who, "Ann");
}

TEST_F(sensor_test, a_view_shows_every_reading_that_was_sent_before_it_and_none_after) {
  begin_new();
  send_readings(1, calm(0, 3));
  auto waiter = ask();
  send_readings(2, calm(3, 3));
  run();
  const auto seen = waiter.wait_for(0).value();
  EXPECT_EQ(seen.cut.head.size(), 3U);
  EXPECT_EQ(seen.status->applied_sequence, 1U);
  EXPECT_EQ(seen.latest->event_time_us, ten_us + 2 * second_us);
  EXPECT_EQ(view().cut.head.size(), 6U);
}

TEST_F(sensor_test, messages_before_the_restore_order_are_kept_back_and_then_taken_in_order) {
  send_readings(1, calm(0, 2));
  auto early = ask();
  send_readings(2, calm(2, 2));
  run();
  EXPECT_EQ(early.wait_for(0).error().code, errc::timed_out);
  begin_new();
  run();
  EXPECT_EQ(early.wait_for(0)->cut.head.size(), 2U);
  EXPECT_EQ(view().cut.head.size(), 4U);
}

TEST_F(sensor_test, an_entry_that_it_has_seen_is_passed_over_whatever_it_holds) {
  begin_new();
  send_readings(5, calm(0, 2));
  send_readings(5, calm(10, 2));
  send_readings(4, calm(20, 2));
  const auto seen = view();
  EXPECT_EQ(seen.status->accepted, 2U);
  EXPECT_EQ(seen.cut.head.size(), 2U);
}

TEST_F(sensor_test, what_is_kept_back_does_not_hold_the_turn_of_its_group) {
  auto part = made.readings(1, id, calm(0, 2));
  part.turn = std::make_shared<int>();
  const std::weak_ptr<void> turn = part.turn;
  send(std::exchange(part, {}));
  run();
  EXPECT_TRUE(turn.expired()) << "the others wait for a sensor that is being rebuilt";
  begin_new();
  EXPECT_EQ(view().status->accepted, 2U);
}

TEST_F(sensor_test, entries_that_come_as_one_group_are_taken_in_as_if_each_came_alone) {
  const auto entry = [](std::uint64_t sequence, const timed_values& rows) {
    return journal_entry{sequence, ten_us, batch_of(id, rows), nullptr, nullptr};
  };
  const auto first = entry(1, calm(0, limits::head_readings + 5)), second = entry(2, calm(limits::head_readings, 40)),
             third = entry(3, {{ten_us, 1'000}});
  const std::vector<const journal_entry*> all{&first, &second, &third};
  begin_new();
  send(new_readings{group_of(all, made.counts), 0, 3});
  persist();
  const auto together = *snapshots.back().snapshot;
  begin();
  begin_new();
  for (const auto* each : all) send(new_readings{group_of({&each, 1}, made.counts), 0, 1});
  persist();
  const auto& alone = *snapshots.back().snapshot;
  EXPECT_EQ(together.state, alone.state);
  EXPECT_EQ(together.applied_sequence, 3U);
  ASSERT_EQ(together.blocks.size(), alone.blocks.size());
  for (std::size_t i = 0; i < alone.blocks.size(); ++i) EXPECT_EQ(together.blocks[i]->bytes, alone.blocks[i]->bytes);
}

TEST_F(sensor_test, only_readings_far_from_the_window_before_them_go_to_the_anomaly_actor) {
  begin_new();
  auto rows = calm(0, stream_rules{}.z_min_readings + 2);
  rows.front().second = rows.back().second = 1'000;  // too early to say anything, and not
  send_readings(1, rows);
  run();
  ASSERT_EQ(found.size(), 1U);
  EXPECT_EQ(found[0].sensor, id);
  ASSERT_EQ(found[0].events.size(), 1U);
  EXPECT_EQ(found[0].events[0].at_us, rows.back().first);
  EXPECT_TRUE(alarms.empty()) << "no limits, no rules";
}

TEST_F(sensor_test, late_repeated_and_future_rows_are_counted_flagged_and_not_judged_and_one_out_of_order_is_judged) {
  begin_new();
  send(committer::config(1, {id, {{}, 0.0}, {}}));
  const auto newest = ten_us + 3600 * second_us;
  send(made.readings(2, id, {{newest, 1}}, newest));
  const timed_values odd{{newest - 61 * second_us, 2}, {newest, 1}, {newest + 301 * second_us, 3}, {newest - second_us, 4}};
  send(made.readings(3, id, odd, newest));
  const auto seen = view();
  EXPECT_EQ(seen.status->late, 1U);
  EXPECT_EQ(seen.status->duplicate, 1U);
  EXPECT_EQ(seen.status->future, 1U);
  EXPECT_EQ(seen.status->out_of_order, 1U);
  EXPECT_EQ(seen.latest->event_time_us, newest);
  EXPECT_EQ(seen.cut.head.flags, (std::vector<std::uint8_t>{flag_late, flag_none, flag_none, flag_future}));
  ASSERT_EQ(alarms.size(), 2U) << "all values are above the limit";
  EXPECT_EQ(alarms[0].rows, (std::vector<alarm_row>{{newest, 1}}));
  EXPECT_EQ(alarms[1].rows, (std::vector<alarm_row>{{newest - second_us, 4}, {newest, 1}})) << "and what follows on it";
  EXPECT_EQ(alarms[1].floor_us, newest - 60 * second_us);
}

TEST_F(sensor_test, only_readings_that_can_move_an_alarm_go_to_the_threshold_actor) {
  begin_new();
  auto next = [this, time_us = ten_us](std::uint64_t sequence, std::vector<double> values) mutable {
    timed_values rows;
    for (const auto value : values) rows.emplace_back(++time_us, value);
    send_readings(sequence, rows);
  };
  next(1, {95});  // no limits yet
  send(committer::config(2, {id, {10.0, 90.0}, {}}));
  next(3, {50, 50});  // the first under new limits may end an alert
  next(4, {50, 95, 96, 50, 50});
  next(5, {50});
  send(committer::config(6, {id, {}, {}}));
  next(7, {50});
  next(8, {95});
  run();
  std::vector<std::pair<std::uint64_t, std::vector<double>>> passed_on;
  for (const auto& part : alarms) {
    passed_on.emplace_back(part.flow->sequence, std::vector<double>());
    for (const auto& row : part.rows) passed_on.back().second.push_back(row.value);
  }
  EXPECT_EQ(passed_on, (decltype(passed_on){{3, {50}}, {4, {95, 96, 50}}, {7, {50}}}));
  EXPECT_EQ(configs.size(), 2U);
}

TEST_F(sensor_test, a_full_head_is_sealed_and_stays_in_the_view_until_its_block_is_written) {
  begin_new();
  send_readings(1, calm(0, limits::head_readings));
  send_readings(2, calm(limits::head_readings, 1));
  auto seen = view();
  ASSERT_EQ(seen.cut.sealing.size(), 1U);
  EXPECT_EQ(seen.cut.sealing[0]->values.count, limits::head_readings);
  EXPECT_EQ(seen.cut.head.size(), 1U);
  EXPECT_TRUE(snapshots.empty()) << "a state for every block would be most of what is written";
  persist();
  ASSERT_EQ(snapshots.size(), 1U);
  EXPECT_EQ(snapshots[0].snapshot->applied_sequence, 2U);
  EXPECT_EQ(snapshots[0].snapshot->blocks, seen.cut.sealing);
  EXPECT_EQ(view().cut.sealing.size(), 1U) << "handed over is not written";
  snapshots[0].written();
  EXPECT_TRUE(view().cut.sealing.empty());
}

TEST_F(sensor_test, sealed_blocks_go_to_the_store_unasked_with_the_state_when_they_have_grown_large_each_once) {
  begin_new();
  std::size_t sealed_bytes = 0, stored_blocks = 0, handed_over = 0;
  for (std::uint64_t sequence = 1; sequence <= 12; ++sequence) {
    send_readings(sequence, rough((sequence - 1) * limits::head_readings, limits::head_readings));
    const auto seen = view();
    ASSERT_EQ(seen.cut.sealing.size(), sequence) << "nothing was written yet";
    sealed_bytes += seen.cut.sealing.back()->bytes.size();
    if (sealed_bytes >= limits::unstored_block_bytes) {
      ++handed_over;
      sealed_bytes = 0;
    }
    ASSERT_EQ(snapshots.size(), handed_over);
    if (sealed_bytes > 0) continue;
    EXPECT_EQ(snapshots.back().snapshot->applied_sequence, sequence);
    for (const auto& each : snapshots.back().snapshot->blocks) EXPECT_EQ(each->number, ++stored_blocks);
    EXPECT_EQ(stored_blocks, sequence);
  }
  EXPECT_GT(handed_over, 1U);
}

TEST_F(sensor_test, a_changed_state_is_stored_with_its_head_in_it_or_as_a_block_when_that_is_worth_it) {
  begin_new();
  send_readings(1, calm(0, 5));
  auto small = persist();
  ASSERT_EQ(snapshots.size(), 1U);
  EXPECT_TRUE(snapshots[0].snapshot->blocks.empty());
  EXPECT_EQ(small.wait_for(0).error().code, errc::timed_out) << "not stored yet";
  snapshots[0].stored.set(true);
  EXPECT_TRUE(small.wait_for(0));
  send_readings(2, calm(5, limits::checkpoint_block_readings));
  persist();
  EXPECT_EQ(snapshots.back().snapshot->blocks.size(), 1U);
}

TEST_F(sensor_test, an_unchanged_state_counts_as_stored_only_behind_its_last_snapshot) {
  begin_new();
  send_readings(1, calm(0, limits::head_readings));
  persist();  // its snapshot is on the way to the store
  auto waiter = persist();
  EXPECT_EQ(snapshots.size(), 1U);
  EXPECT_EQ(waiter.wait_for(0).error().code, errc::timed_out);
  ASSERT_EQ(drains.size(), 1U);
  drains[0].done.set(true);
  EXPECT_TRUE(waiter.wait_for(0));
}

TEST_F(sensor_test, a_sensor_restored_from_its_snapshot_goes_on_as_if_nothing_had_happened) {
  begin_new();
  send(committer::config(1, {id, {10.0, 90.0}, {}}));
  send_readings(2, calm(0, 150));
  send_readings(3, {{ten_us, 99}, {ten_us + 100 * second_us, 98}});
  persist();
  const auto stored = *snapshots.back().snapshot;
  send_readings(4, calm(150, 40));
  const auto expected = view();
  begin_again({stored.applied_sequence, joined(stored), {made.readings(3, id, calm(0, 9)), made.readings(4, id, calm(150, 40))}});
  const auto restored = view();
  EXPECT_EQ(restored.status->accepted, expected.status->accepted);
  EXPECT_EQ(restored.status->late, expected.status->late);
  EXPECT_EQ(restored.status->watermark_us, expected.status->watermark_us);
  EXPECT_EQ(restored.status->count_window.mean, expected.status->count_window.mean);
  EXPECT_EQ(restored.status->time_window.std_dev, expected.status->time_window.std_dev);
  EXPECT_EQ(restored.cut.head.value, expected.cut.head.value);
  persist();
  ASSERT_EQ(adopted.size(), 1U);
  EXPECT_EQ(adopted[0].applied_sequence, 3U);
}

TEST_F(sensor_test, what_the_journal_holds_beyond_comes_before_what_was_kept_back) {
  send_readings(3, calm(2, 1));
  send(restore_order{0, nullptr, {made.readings(2, id, calm(1, 1)), made.readings(3, id, calm(2, 1))}});
  const auto seen = view();
  EXPECT_EQ(seen.status->accepted, 2U);
  EXPECT_EQ(seen.status->out_of_order, 0U);
}

TEST_F(sensor_test, a_stored_state_that_cannot_be_read_ends_the_actor_and_answers_who_waits) {
  auto waiter = ask();
  send(restore_order{1, std::make_shared<const std::string>("no state"), {}});
  run();
  EXPECT_EQ(waiter.wait_for(0).error().code, errc::unavailable);
}

TEST_F(sensor_test, stored_alarms_that_cannot_be_read_end_the_sensor_and_not_the_shard_of_many) {
  begin_new();
  send_readings(1, calm(0, 5));
  persist();
  begin_again({1, joined(*snapshots.back().snapshot, "no board"), {}});
  auto waiter = ask();
  run();
  EXPECT_EQ(waiter.wait_for(0).error().code, errc::unavailable);
  EXPECT_TRUE(adopted.empty());
}

TEST_F(sensor_test, a_deleted_sensor_passes_its_end_on_and_is_gone) {
  begin_new();
  send(retire_order{id, {}});
  auto waiter = ask();
  run();
  EXPECT_EQ(retired, std::vector<sensor_id>{id});
  EXPECT_EQ(waiter.wait_for(0).error().code, errc::unavailable);
}

TEST_F(sensor_test, readings_count_as_processed_when_the_last_actor_lets_go) {
  begin_new();
  send_readings(1, calm(0, 40));
  EXPECT_FALSE(made.counts.idle());
  run();
  send_readings(2, {{ten_us + 40 * second_us, 1'000}});
  run();
  EXPECT_EQ(made.counts.processed_readings(), 40U) << "the anomaly actor's stand-in holds the second batch";
  found.clear();
  EXPECT_TRUE(made.counts.idle());
}

}  // namespace
}  // namespace factory::test
