#pragma once

#include <functional>
#include <optional>
#include <utility>

#include "storage/journal/journal.hpp"
#include "storage/state/store_writer.hpp"

namespace factory {

/// What stands behind a population: where the entries that it is given come from, so that a failed sensor can be rebuilt, and when what its
/// actors hand over is where it belongs. Entries themselves are pushed (sensor_population::dispatch): from the live journal, or any stream.
/// Thread-safe.
class population_source {
 public:
  using visitor = std::function<void(const journal_entry&)>;
  virtual ~population_source() = default;

  /// The newest stored state of a sensor; nullopt: none.
  virtual expected<std::optional<state_store::stored>> state_of(sensor_id sensor) const = 0;
  /// Entries that were set aside for sensors that stayed down.
  virtual expected<void> read_aside(const visitor& visit) const = 0;
  virtual expected<void> read(std::uint64_t from, std::uint64_t to, const visitor& visit) const = 0;
  /// Calls `reached` when all that was handed over before is stored.
  virtual void barrier(std::function<void()> reached) const = 0;
};

/// The journal and the states beside it.
class journal_source final : public population_source {
 public:
  using store_barrier = std::function<void(std::function<void()>)>;
  journal_source(const state_store& states, const journal& entries, store_barrier barrier)
      : states_(states), entries_(entries), barrier_(std::move(barrier)) {}
  expected<std::optional<state_store::stored>> state_of(sensor_id sensor) const override { return states_.get(sensor); }
  expected<void> read_aside(const visitor& visit) const override { return entries_.read_aside(visit); }
  expected<void> read(std::uint64_t from, std::uint64_t to, const visitor& visit) const override {
    return entries_.read(from, to, visit);
  }
  void barrier(std::function<void()> reached) const override { barrier_(std::move(reached)); }

 private:
  const state_store& states_;
  const journal& entries_;
  store_barrier barrier_;
};

/// A stream that is gone when it has passed: a sensor that fails stays down.
class passing_source final : public population_source {
 public:
  expected<std::optional<state_store::stored>> state_of(sensor_id) const override {
    return fail(errc::unavailable, "what came before is not kept");
  }
  expected<void> read_aside(const visitor&) const override { return {}; }
  expected<void> read(std::uint64_t, std::uint64_t, const visitor&) const override { return {}; }
  void barrier(std::function<void()> reached) const override { reached(); }
};

}  // namespace factory
