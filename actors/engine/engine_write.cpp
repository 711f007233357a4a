#include <algorithm>
#include <cmath>
#include <functional>
#include <set>
#include <string_view>
#include <type_traits>
#include <utility>

#include "actors/engine/engine_impl.hpp"
#include "actors/engine/limits.hpp"
#include "storage/base/limits.hpp"

namespace factory {

namespace {

using std::chrono::steady_clock;

/// Memory of one reading between the socket and its window: columns and encoded entry.
constexpr std::size_t bytes_in_flight_per_reading = 64;

tl::unexpected<error> is_overloaded() {
  return fail(errc::overloaded, "more readings are in flight than the engine may hold; send it again later");
}
/// True for a plain file name that cannot leave its directory. Its length leaves room for the suffix `partial`.
bool is_snapshot_name(std::string_view name) {
  constexpr std::string_view partial = ".partial";
  const auto plain = [](char c) {
    return (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || c == '-' || c == '_' || c == '.';
  };
  return !name.empty() && name.size() + partial.size() < limits::name_bytes && name.front() != '.' && !name.ends_with(partial) &&
         std::all_of(name.begin(), name.end(), plain);
}
tl::unexpected<error> is_stopping() { return fail(errc::stopping, "the engine is stopping; send it again after its restart"); }

tl::unexpected<error> is_held_back(const sensor_population& sensors) {
  const auto down = sensors.failed();
  if (down.empty())
    return fail(
        errc::overloaded,
        "Pipelines are so far behind that the journal, from which they read, is as long as it may be; send it again later.");
  return fail(
      errc::unavailable,
      "sensor " + std::to_string(*down.begin()) +
          " has failed, and the journal, which keeps its readings, is as long as it may be; start factoryd again, which tries it "
          "anew, or delete the sensor");
}

tl::unexpected<error> is_set_aside_no_more(sensor_id sensor) {
  return fail(errc::unavailable,
              "sensor " + std::to_string(sensor) +
                  " has failed, and as many readings are set aside as may be; send the readings of other sensors "
                  "without its own, start factoryd again, which tries it anew, or delete the sensor");
}

}  // namespace

const catalog& engine::entities() const { return *impl_->entities; }
token_store& engine::tokens() { return *impl_->tokens; }
audit_log& engine::audit() { return *impl_->audit; }
notify_store& engine::notifications() { return *impl_->notifications; }

expected<void> engine::admit() {
  if (!impl_->credits->admits()) return is_overloaded();
  return {};
}

expected<pending_ingest> engine::begin_ingest(reading_batch batch, durability how, std::size_t body_bytes, journal::waker wake) {
  if (impl_->stopping) return is_stopping();
  if (impl_->journal_is_full) return is_held_back(*impl_->sensors);
  if (impl_->aside_is_full)
    if (const auto down = impl_->sensors->failed_among(batch)) return is_set_aside_no_more(*down);
  ingest_receipt receipt{batch.size(), 0, how};
  if (batch.size() == 0) return pending_ingest(receipt);
  auto hold = impl_->credits->take(batch.size(), batch.size() * bytes_in_flight_per_reading + body_bytes);
  if (!hold) return is_overloaded();
  journal_entry entry;
  entry.received_at_us = wall_clock_us();
  receipt.not_judged = impl_->sensors->judging().not_judged(batch, entry.received_at_us + impl_->config.future_skew_us);
  entry.readings = std::make_shared<const reading_batch>(std::move(batch));
  entry.hold = std::move(hold);
  return impl_->entries->begin(std::move(entry), how, {}, wake).map([&](journal::ticket in_line) {
    pending_ingest pending(receipt, std::move(in_line));
    pending.pace(impl_->credits, std::move(wake));
    return pending;
  });
}

void pending_ingest::pace(std::shared_ptr<credit_pool> credits, journal::waker wake) {
  if (!wake || receipt_.inserted < limits::paced_readings) return;
  paced_ = pacing{std::move(credits), std::move(wake), steady_clock::now() + std::chrono::milliseconds(limits::pace_ms)};
}

bool pending_ingest::ready() const {
  if (!in_line_) return true;
  if (!in_line_->ready()) return false;
  if (!paced_ || paced_->credits->plentiful() || steady_clock::now() >= paced_->until) return true;
  paced_->credits->call_when_plentiful(paced_->wake, paced_->until);
  return false;
}

expected<ingest_receipt> pending_ingest::wait() {
  if (!in_line_) return receipt_;
  return in_line_->wait().map([this](std::uint64_t sequence) {
    receipt_.sequence = sequence;
    return receipt_;
  });
}

/// Writes a staged change through the journal, so that every sensor gets the change in order with the readings. REQUIRES: the caller
/// locked `changes` before it staged the change.
expected<void> engine::impl::commit(catalog_change change, std::function<void()> then) {
  journal_entry entry;
  entry.received_at_us = wall_clock_us();
  entry.config = std::make_shared<const config_change>(std::move(change.config));
  auto writes = std::move(change.writes);
  entry.when_committed = [this, staged = std::make_shared<catalog_change>(std::move(change)), then = std::move(then)] {
    entities->apply(std::move(*staged));
    sql_mirror->notify();
    if (then) then();
  };
  return commit(std::move(entry), std::move(writes));
}

/// Memory follows where the outcome is known, and not here: who waits here may give up before. Whoever then comes second, the outcome or who
/// gave up, leaves to the housekeeper what follows from the change.
expected<void> engine::impl::commit(journal_entry entry, std::vector<catalog_write> writes) {
  const auto is_second = std::make_shared<std::atomic<bool>>(false);
  entry.when_committed = [this, is_second, then = std::move(entry.when_committed)] {
    if (then) then();
    if (is_second->exchange(true)) is_to_follow_changes = true;
  };
  auto sequence = entries->append(std::move(entry), durability::fsync, std::move(writes));
  if (sequence) return {};
  if (is_second->exchange(true)) is_to_follow_changes = true;
  return tl::unexpected(std::move(sequence.error()));
}

namespace {

template <class Entry>
expected<std::vector<Entry>> create_all(engine::impl& parts, std::vector<Entry> entries) {
  if (parts.stopping) return is_stopping();
  const std::lock_guard one(parts.changes);
  auto staged = parts.entities->stage_create(std::move(entries), wall_clock_us());
  if (!staged) return tl::unexpected(std::move(staged.error()));
  if (auto done = parts.commit(std::move(staged->change)); !done) return tl::unexpected(std::move(done.error()));
  if constexpr (std::is_same_v<Entry, sensor_entry>) parts.after_catalog_change(staged->entries);
  return std::move(staged->entries);
}

template <class Stage>
expected<void> change_one(engine::impl& parts, Stage stage, const std::function<std::set<machine_id>()>& watched = {}) {
  if (parts.stopping) return is_stopping();
  const std::lock_guard one(parts.changes);
  auto staged = stage(*parts.entities);
  if (!staged) return tl::unexpected(std::move(staged.error()));
  if (auto done = parts.commit(std::move(*staged)); !done) return done;
  parts.after_catalog_change({});
  if (watched) parts.refresh_watches(watched());
  return {};
}

template <class Entry>
expected<catalog_change> stage_edit(catalog& entities, expected<Entry> entry, const std::function<expected<void>(Entry&)>& edit) {
  if (!entry) return tl::unexpected(std::move(entry.error()));
  if (auto edited = edit(*entry); !edited) return tl::unexpected(std::move(edited.error()));
  return entities.stage_update(*entry);
}

}  // namespace

expected<std::vector<factory_entry>> engine::create(std::vector<factory_entry> entries) {
  return create_all(*impl_, std::move(entries));
}
expected<std::vector<machine_entry>> engine::create(std::vector<machine_entry> entries) {
  return create_all(*impl_, std::move(entries));
}
stream_rules engine::usual_stream_rules() const { return stream_rules_of(impl_->config); }

/// The daemon's options are the rules of new sensors, and of no others.
expected<std::vector<sensor_entry>> engine::create(std::vector<sensor_entry> entries) {
  for (sensor_entry& each : entries) each.usual = stream_rules_of(impl_->config);
  return create_all(*impl_, std::move(entries));
}
expected<std::vector<alert_rule>> engine::create(std::vector<alert_rule> entries) {
  return create_all(*impl_, std::move(entries));
}
expected<std::vector<channel_entry>> engine::create(std::vector<channel_entry> entries) {
  return create_all(*impl_, std::move(entries));
}

expected<void> engine::update(const factory_entry& entry) {
  const auto its_machines = [&] {
    std::set<machine_id> all;
    for (const auto& each : impl_->entities->machines(entry.id)) all.insert(each.id);
    return all;
  };
  return change_one(
      *impl_, [&](catalog& entities) { return entities.stage_update(entry); }, its_machines);
}
expected<void> engine::update(const machine_entry& entry) {
  return change_one(
      *impl_, [&](catalog& entities) { return entities.stage_update(entry); }, [&] { return std::set{entry.id}; });
}
expected<void> engine::update(const sensor_entry& entry) {
  return change_one(*impl_, [&](catalog& entities) { return entities.stage_update(entry); });
}
expected<void> engine::edit_machine(machine_id id, const std::function<expected<void>(machine_entry&)>& edit) {
  return change_one(
      *impl_, [&](catalog& entities) { return stage_edit(entities, entities.find_machine(id), edit); },
      [&] { return std::set{id}; });
}
expected<void> engine::edit_sensor(sensor_id id, const std::function<expected<void>(sensor_entry&)>& edit) {
  return change_one(*impl_, [&](catalog& entities) { return stage_edit(entities, entities.find_sensor(id), edit); });
}
expected<void> engine::update(const alert_rule& entry) {
  return change_one(*impl_, [&](catalog& entities) { return entities.stage_update(entry); });
}
expected<void> engine::update(const channel_entry& entry) {
  return change_one(*impl_, [&](catalog& entities) { return entities.stage_update(entry); });
}
expected<void> engine::remove_channel(channel_id id) {
  if (const auto by = impl_->tells_channel(id))
    return fail(errc::conflict, "Pipeline " + std::to_string(*by) + " names the channel; take it off the pipeline first.");
  return change_one(*impl_, [&](catalog& entities) { return entities.stage_delete_channel(id); });
}
expected<void> engine::remove_factory(factory_id id) {
  return change_one(*impl_, [&](catalog& entities) { return entities.stage_delete_factory(id); });
}
expected<void> engine::remove_machine(machine_id id) {
  return change_one(*impl_, [&](catalog& entities) { return entities.stage_delete_machine(id); });
}
expected<void> engine::remove_rule(rule_id id) {
  return change_one(*impl_, [&](catalog& entities) { return entities.stage_delete_rule(id); });
}

/// Order: first the catalog drops the sensor, so no new entry names it; then its actors end; then its readings are deleted. If a crash
/// interrupts this, recovery finishes it.
expected<void> engine::remove_sensor(sensor_id id) {
  if (const auto by = impl_->filled_by(id))
    return fail(errc::conflict, "The sensor is filled by pipeline " + std::to_string(*by) + "; delete the pipeline first.");
  const auto sensor = impl_->entities->find_sensor(id);
  auto done = change_one(*impl_, [&](catalog& entities) { return entities.stage_delete_sensor(id); });
  if (done && sensor) impl_->watch_machines({sensor->machine});
  return impl_->clear_away_or_later({id}, std::move(done));
}

/// After a deletion that was committed, or of which that is not known: then the housekeeper does the rest, as where something fails here.
expected<void> engine::impl::clear_away_or_later(const std::vector<sensor_id>& all, expected<void> committed) {
  auto done = std::move(committed);
  for (auto each = all.begin(); done && each != all.end(); ++each) done = clear_away(*each);
  if (done || done.error().code == errc::not_found) return done;
  const std::lock_guard lock(housekeeper_mutex);
  perhaps_deleted.insert(all.begin(), all.end());
  return done;
}

expected<void> engine::impl::clear_away(sensor_id id) {
  if (auto gone = sensors->retire(id, limits::query_deadline_ms); !gone) return gone;
  if (auto stored = reach_store(limits::query_deadline_ms); !stored) return stored;  // what its actors found comes first
  if (auto ended = end_findings_of_deleted(); !ended) return ended;
  if (auto gone = rollups->remove_sensor(id); !gone) return gone;
  if (auto gone = control_limits->remove_sensor(id); !gone) return gone;
  return series->remove_sensor(id);
}

const spc_limit_store& engine::control_limits() const { return *impl_->control_limits; }

expected<frozen_limits> engine::freeze(sensor_id sensor, frozen_limits wanted) {
  if (impl_->stopping) return is_stopping();
  const std::lock_guard one(impl_->changes);
  wanted.frozen_at_us = wall_clock_us();
  auto frozen = impl_->control_limits->next(sensor, std::move(wanted));
  if (!frozen) return frozen;
  auto staged = impl_->entities->stage_control_limits(sensor, basis_of(*frozen));
  if (!staged) return tl::unexpected(std::move(staged.error()));
  staged->writes.push_back(spc_limit_store::write_of(sensor, *frozen));
  const auto put = [store = impl_->control_limits.get(), sensor, frozen = *frozen] { store->put(sensor, frozen); };
  if (auto done = impl_->commit(std::move(*staged), put); !done) return tl::unexpected(std::move(done.error()));
  return frozen;
}

expected<finding> engine::acknowledge(const event_key& raised, std::string who, std::string comment) {
  if (impl_->stopping) return is_stopping();
  auto found = impl_->find_alert(raised);
  if (!found || found->acknowledged) return found;
  const auto& told = *found->stated;
  auto command = std::make_shared<operator_command>();
  command->sensor = raised.sensor;
  command->who = std::move(who);
  command->what = acknowledge_alert{told.key, told.value, told.limit(), told.level, std::move(comment)};
  if (auto done = impl_->command(std::move(command)); !done) return tl::unexpected(std::move(done.error()));
  return impl_->find_alert(raised);
}

/// Commits a command and waits until what came of it can be read.
expected<void> engine::impl::command(std::shared_ptr<const operator_command> given) {
  journal_entry entry;
  entry.received_at_us = wall_clock_us();
  entry.command = given;
  if (auto sequence = entries->append(std::move(entry), durability::fsync); !sequence)
    return tl::unexpected(std::move(sequence.error()));
  return sensors->settle(given->sensor, limits::query_deadline_ms);
}

expected<finding> engine::impl::find_alert(const event_key& raised) const {
  auto found = events->find(raised);
  if (!found) return tl::unexpected(std::move(found.error()));
  if (!*found || !(*found)->holds()) return fail(errc::not_found, "Alert not found");
  return std::move(**found);
}

expected<finding> engine::give_feedback(const event_key& anomaly, std::string verdict, std::string comment, std::string who) {
  if (impl_->stopping) return is_stopping();
  const std::lock_guard one(impl_->changes);  // two at once would take the same number
  const auto found = impl_->find_anomaly(anomaly);
  if (!found) return found;
  const event& told = found->newest();
  auto command = std::make_shared<operator_command>();
  command->sensor = anomaly.sensor;
  command->who = std::move(who);
  command->what = judge_anomaly{with_kind(found->stated->key, found->stated->key.kind, found->times_judged), told.value,
                                told.level, std::move(verdict), std::move(comment)};
  const auto* const before = found->feedback ? std::get_if<feedback_detail>(&found->feedback->detail) : nullptr;
  const bool was_false = before != nullptr && before->verdict == false_alarm;
  const bool is_false = std::get<judge_anomaly>(command->what).verdict == false_alarm;
  if (auto done = impl_->command(std::move(command)); !done) return tl::unexpected(std::move(done.error()));
  if (was_false != is_false)
    if (auto done = impl_->widen(anomaly, is_false); !done) return tl::unexpected(std::move(done.error()));
  return impl_->find_anomaly(anomaly);
}

namespace {

/// The sensitivity behind a false alarm, or behind one that was taken back.
double widened(double sensitivity, bool wider) {
  const double factor = wider ? limits::sensitivity_by_feedback : 1 / limits::sensitivity_by_feedback;
  const auto least = std::min(sensitivity, limits::sensitivity_least_by_feedback);
  return std::clamp(sensitivity * factor, least, limits::sensitivity_max);
}

/// Taken back to what is inherited, nothing is set any more.
void set_unless_inherited(stream_settings& settings, setting_place at, double value, double inherited) {
  if (std::abs(value - inherited) <= 1e-9 * inherited)
    settings.clear(at);
  else
    settings.set(at, value);
}

}  // namespace

/// A false alarm makes the detector less sensitive on its sensor or machine, within limits::sensitivity_least_by_feedback; taken back, as much
/// more sensitive again. It shows in the `detection` of these, and is changed there.
expected<void> engine::impl::widen(const event_key& anomaly, bool wider) {
  if (anomaly.source == event_source::machine) return widen_machine(anomaly.rule, wider);
  auto sensor = entities->find_sensor(anomaly.sensor);
  if (!sensor) return {};  // deleted meanwhile
  const stream_rules rules = sensor->stream ? **sensor->stream : stream_rules_of(config);
  const auto inherited = entities->inherited_by(*sensor);
  if (anomaly.source == event_source::z_score) {
    const double factor = wider ? limits::sensitivity_by_feedback : 1 / limits::sensitivity_by_feedback;
    const auto most = std::max(rules.z_threshold, limits::z_threshold_most_by_feedback);
    const double value = wider ? std::min(rules.z_threshold / factor, most) : rules.z_threshold / factor;
    set_unless_inherited(sensor->settings, setting_place::of_rules(setting::z_threshold), value, inherited.z_threshold);
  } else {
    const auto which = parse_detector(to_text(anomaly.source));
    if (!which) return {};  // of a control chart: its limits are what a person has frozen
    set_unless_inherited(sensor->settings, setting_place::of_detector(*which, setting::sensitivity),
                         widened(rules.detect.of(*which).sensitivity, wider), inherited.detect.of(*which).sensitivity);
  }
  auto staged = entities->stage_update(*sensor);
  if (!staged) return tl::unexpected(std::move(staged.error()));
  return commit(std::move(*staged));
}

expected<void> engine::impl::widen_machine(machine_id id, bool wider) {
  auto machine = entities->find_machine(id);
  if (!machine) return {};  // deleted meanwhile
  const double before = entities->machine_detector_of(id).sensitivity;
  const auto place = setting_place::of_detector(detector::machine, setting::sensitivity);
  const auto factory = entities->find_factory(machine->factory);
  const double inherited = factory ? factory->settings.find(place).value_or(1) : 1;
  set_unless_inherited(machine->settings, place, widened(before, wider), inherited);
  auto staged = entities->stage_update(*machine);
  if (!staged) return tl::unexpected(std::move(staged.error()));
  return commit(std::move(*staged));
}

expected<finding> engine::impl::find_anomaly(const event_key& any) const {
  auto found = events->find(any);
  if (!found) return tl::unexpected(std::move(found.error()));
  if (!*found || !(*found)->holds() || !is_detector(any.source)) return fail(errc::not_found, "Anomaly not found");
  return std::move(**found);
}

expected<void> engine::settle(std::int64_t deadline_ms) {
  if (!impl_->streams->wait_until_idle(deadline_ms)) return fail(errc::timed_out, "pipelines are still at work");
  if (!impl_->sensors->wait_until_idle(deadline_ms)) return fail(errc::timed_out, "readings are still under way");
  return impl_->reach_store(deadline_ms);
}

/// Waits until all that the actors handed over is in RocksDB.
expected<void> engine::impl::reach_store(std::int64_t deadline_ms) {
  auto [reached, waiter] = reply<bool>::make();
  writer->barrier([reached = std::move(reached)] { reached.set(true); });
  if (auto done = waiter.wait_for(deadline_ms); !done) return tl::unexpected(done.error());
  return {};
}

/// What ends a thing ends its states. Also called at the start: for a deletion that a crash cut short, and for data of programs that
/// left such alerts active.
expected<void> engine::impl::end_findings_of_deleted() {
  const auto known = entities->known_sensors();
  const auto is_gone = [&](const event_key& of) { return of.sensor != 0 && !known->contains(of.sensor); };
  if (auto ended = events->end_findings(is_gone, "The sensor was deleted.", wall_clock_us()); !ended)
    return tl::unexpected(std::move(ended.error()));
  return {};
}

expected<void> engine::checkpoint() { return impl_->checkpoint(); }

expected<snapshot_info> engine::snapshot(const std::string& name) {
  if (impl_->stopping) return is_stopping();
  if (!is_snapshot_name(name))
    return fail(errc::invalid, "as must be 1 to 247 of A-Z, a-z, 0-9, '-', '_' and '.', and not begin with '.'", "as");
  const std::unique_lock one(impl_->snapshotting, std::try_to_lock);
  if (!one.owns_lock()) return fail(errc::conflict, "a snapshot is being taken; ask again when it is done");
  const auto& elsewhere = impl_->config.snapshot_dir;
  return take_snapshot(*impl_->db, (elsewhere.empty() ? impl_->db->directory() / snapshots_folder : elsewhere) / name);
}

}  // namespace factory
