#include "pipelines/spec/pipeline_spec.hpp"

#include <simdjson.h>

#include <algorithm>
#include <utility>

#include "pipelines/select/selector_json.hpp"
#include "pipelines/spec/expression.hpp"
#include "pipelines/spec/judging_json.hpp"
#include "pipelines/spec/limits.hpp"
#include "pipelines/spec/spec_json.hpp"
#include "pipelines/spec/window_json.hpp"

namespace factory {

namespace {

using namespace spec_json;

constexpr std::size_t most_name_bytes = 256;
constexpr std::string_view value_name = "value";  // what a step before has made

expected<std::string> variable(const std::string& path, std::string_view name) {
  const auto letter = [](char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_'; };
  const auto good = [&](char c) { return letter(c) || (c >= '0' && c <= '9'); };
  if (name.empty() || name.size() > 32 || !letter(name.front()) || !std::ranges::all_of(name, good))
    return refuse(path, "must be 1 to 32 letters, digits and '_', a letter first: it is a name in expressions");
  const auto& functions = expression::function_names();
  if (name == value_name || name == "_pi" || name == "_e" || std::ranges::find(functions, name) != functions.end())
    return refuse(path, "is a word of expressions; take another name");
  return std::string(name);
}

expected<source_spec> read_source(const std::string& path, std::string_view name, element value) {
  source_spec source;
  if (auto good = set(source.name, variable(path, name)); !good) return tl::unexpected(std::move(good.error()));
  element wanted;
  if (value["sensor_id"].get(wanted)) {
    auto which = read_selector(path, value);
    if (!which) return tl::unexpected(std::move(which.error()));
    source.which = std::move(*which);
    return source;
  }
  auto read =
      for_each_member(path, value, [&](std::string_view member, const std::string& own, element content) -> expected<bool> {
        if (member == "sensor_id") return set(source.sensor, id(own, content));
        return false;
      });
  if (!read) return tl::unexpected(std::move(read.error()));
  return source;
}

expected<pipeline_step> read_align(const std::string& path, element value) {
  align_step align;
  auto read =
      for_each_member(path, value, [&](std::string_view member, const std::string& own, element content) -> expected<bool> {
        if (member == "tolerance_ms") return set(align.tolerance_us, span_us(own, content, 0, limits::pipeline_span_ms));
        if (member == "interpolate") return set(align.interpolates, flag(own, content));
        return false;
      });
  if (!read) return tl::unexpected(std::move(read.error()));
  return align;
}

expected<pipeline_step> read_derivative(const std::string& path, element value) {
  auto read = for_each_member(path, value, [](std::string_view, const std::string&, element) -> expected<bool> { return false; });
  if (!read) return tl::unexpected(std::move(read.error()));
  return derivative_step{};
}

expected<pipeline_step> read_ewma(const std::string& path, element value) {
  ewma_step ewma;
  auto read =
      for_each_member(path, value, [&](std::string_view member, const std::string& own, element content) -> expected<bool> {
        if (member == "time_constant_ms") return set(ewma.time_constant_us, span_us(own, content, 1, limits::pipeline_span_ms));
        return false;
      });
  if (!read) return tl::unexpected(std::move(read.error()));
  if (ewma.time_constant_us == 0) return refuse(within(path, "time_constant_ms"), "is required");
  return ewma;
}

expected<pipeline_step> read_accumulate(const std::string& path, element value) {
  accumulate_step accumulate;
  auto read =
      for_each_member(path, value, [&](std::string_view member, const std::string& own, element content) -> expected<bool> {
        if (member == "reset") return set(accumulate.reset, text(own, content, limits::expression_bytes));
        return false;
      });
  if (!read) return tl::unexpected(std::move(read.error()));
  return accumulate;
}

expected<pipeline_step> read_step(const std::string& path, element value) {
  std::optional<pipeline_step> step;
  window_step window;
  bool aggregates = false;
  std::size_t kinds = 0;
  auto read =
      for_each_member(path, value, [&](std::string_view member, const std::string& own, element content) -> expected<bool> {
        if (member == "aggregate") {
          aggregates = true;
          return read_aggregate(own, content, window);
        }
        ++kinds;
        if (member == "align") return set(step, read_align(own, content));
        if (member == "compute" || member == "filter") {
          auto expr = text(own, content, limits::expression_bytes);
          if (!expr) return tl::unexpected(std::move(expr.error()));
          if (member == "compute") step = compute_step{std::move(*expr)};
          if (member == "filter") step = filter_step{std::move(*expr)};
          return true;
        }
        if (member == "derivative") return set(step, read_derivative(own, content));
        if (member == "ewma") return set(step, read_ewma(own, content));
        if (member == "accumulate") return set(step, read_accumulate(own, content));
        if (member == "limit") return set(step, read_limit(own, content));
        if (member == "detector") return set(step, read_detector(own, content));
        if (member != "window") return false;
        if (auto good = read_window(own, content, window); !good) return tl::unexpected(std::move(good.error()));
        step = window_step{};
        return true;
      });
  if (!read) return tl::unexpected(std::move(read.error()));
  if (kinds != 1)
    return refuse(path, "must have one of align, compute, filter, derivative, ewma, accumulate, limit, detector, window");
  const bool with_window = std::holds_alternative<window_step>(*step);
  if (!with_window && aggregates) return refuse(within(path, "aggregate"), "belongs to a window");
  if (with_window && !aggregates) return refuse(within(path, "aggregate"), "is required with a window");
  if (with_window) step = std::move(window);
  return std::move(*step);
}

expected<pipeline_sink> read_sensor_sink(const std::string& path, element value) {
  sensor_sink sink;
  auto read =
      for_each_member(path, value, [&](std::string_view member, const std::string& own, element content) -> expected<bool> {
        if (member == "name") return set(sink.name, text(own, content, most_name_bytes));
        if (member == "unit") return set(sink.unit, text(own, content, most_name_bytes));
        if (member == "machine_id") return set(sink.machine, id(own, content));
        return false;
      });
  if (!read) return tl::unexpected(std::move(read.error()));
  if (sink.name.empty()) return refuse(within(path, "name"), "is required");
  return sink;
}

expected<severity> read_severity(const std::string& path, element value) {
  const auto name = text(path, value, most_name_bytes);
  for (const auto level : {severity::rule_info, severity::rule_warning, severity::rule_critical})
    if (name && *name == to_text(level)) return level;
  return refuse(path, "must be INFO, WARNING or CRITICAL");
}

expected<pipeline_sink> read_event_sink(const std::string& path, element value) {
  event_sink sink;
  auto read =
      for_each_member(path, value, [&](std::string_view member, const std::string& own, element content) -> expected<bool> {
        if (member == "severity") return set(sink.level, read_severity(own, content));
        if (member == "when") return set(sink.when, text(own, content, limits::expression_bytes));
        if (member == "message") return set(sink.message, text(own, content, limits::expression_bytes));
        return false;
      });
  if (!read) return tl::unexpected(std::move(read.error()));
  if (sink.when.empty()) return refuse(within(path, "when"), "is required");
  return sink;
}

expected<pipeline_sink> read_channel_sink(const std::string& path, element value) {
  channel_sink sink;
  auto read =
      for_each_member(path, value, [&](std::string_view member, const std::string& own, element content) -> expected<bool> {
        if (member == "channel_id") return set(sink.channel, id(own, content));
        return false;
      });
  if (!read) return tl::unexpected(std::move(read.error()));
  if (sink.channel == 0) return refuse(within(path, "channel_id"), "is required");
  return sink;
}

expected<pipeline_sink> read_sink(const std::string& path, element value) {
  std::optional<pipeline_sink> sink;
  std::size_t kinds = 0;
  auto read =
      for_each_member(path, value, [&](std::string_view member, const std::string& own, element content) -> expected<bool> {
        ++kinds;
        if (member == "sensor") return set(sink, read_sensor_sink(own, content));
        if (member == "event") return set(sink, read_event_sink(own, content));
        if (member == "channel") return set(sink, read_channel_sink(own, content));
        return false;
      });
  if (!read) return tl::unexpected(std::move(read.error()));
  if (kinds != 1) return refuse(path, "must have one of sensor, event, channel");
  return std::move(*sink);
}

expected<void> check_expression(const std::string& path, const std::string& text, const std::vector<std::string>& names) {
  if (auto parsed = expression::parse(text, names); !parsed) return refuse(path, parsed.error().message);
  return {};
}

/// What an expression may use at a place: the sources until a window has made one value of many rows, and `value` where there is one.
class names_at_step {
 public:
  explicit names_at_step(const pipeline_spec& spec) : has_value_(spec.sources.size() == 1) {
    for (const auto& each : spec.sources) sources_.push_back(each.name);
  }
  bool has_value() const { return has_value_; }
  void make_value() { has_value_ = true; }
  void make_window() { sources_.clear(); }
  std::vector<std::string> names() const {
    auto all = sources_;
    if (has_value_) all.emplace_back(value_name);
    return all;
  }

 private:
  std::vector<std::string> sources_;
  bool has_value_;
};

expected<void> check_step(const std::string& path, const pipeline_step& step, names_at_step& known) {
  if (const auto* const compute = std::get_if<compute_step>(&step)) {
    if (auto good = check_expression(within(path, "compute"), compute->expression, known.names()); !good) return good;
    known.make_value();
  }
  if (const auto* const filter = std::get_if<filter_step>(&step))
    return check_expression(within(path, "filter"), filter->expression, known.names());
  const auto* const one_value = std::holds_alternative<window_step>(step)       ? "window"
                                : std::holds_alternative<derivative_step>(step) ? "derivative"
                                : std::holds_alternative<ewma_step>(step)       ? "ewma"
                                : std::holds_alternative<accumulate_step>(step) ? "accumulate"
                                : std::holds_alternative<limit_step>(step)      ? "limit"
                                : std::holds_alternative<detector_step>(step)   ? "detector"
                                                                                : nullptr;
  if (one_value != nullptr && !known.has_value())
    return refuse(within(path, one_value), "has several sources before it: a compute step must make one value of them");
  if (const auto* const accumulate = std::get_if<accumulate_step>(&step); accumulate != nullptr && !accumulate->reset.empty())
    return check_expression(within(path, "accumulate.reset"), accumulate->reset, known.names());
  const auto* const window = std::get_if<window_step>(&step);
  if (window == nullptr) return {};
  if (window->kind == window_kind::state)
    if (auto good = check_expression(within(path, "window.state"), window->condition, known.names()); !good) return good;
  known.make_window();
  return {};
}

expected<void> check_sinks(const pipeline_spec& spec) {
  std::vector<std::string_view> sensors;
  for (std::size_t i = 0; i < spec.sinks.size(); ++i) {
    if (const auto* const sink = std::get_if<sensor_sink>(&spec.sinks[i])) {
      if (std::ranges::find(sensors, sink->name) != sensors.end())
        return refuse(within("sinks", i) + ".sensor.name", "is given twice");
      if (sink->machine != 0 && spec.per_machine)
        return refuse(within("sinks", i) + ".sensor.machine_id",
                      "is the machine of each instance where the pipeline is per machine");
      sensors.push_back(sink->name);
    }
    if (const auto* const sink = std::get_if<event_sink>(&spec.sinks[i]))
      if (auto good = check_expression(within("sinks", i) + ".event.when", sink->when, {std::string(value_name)}); !good)
        return good;
  }
  const auto has = [&]<class Sink>(const Sink&) {
    return std::ranges::any_of(spec.sinks, [](const auto& each) { return std::holds_alternative<Sink>(each); });
  };
  if (has(channel_sink{}) && !has(event_sink{})) return refuse("sinks", "a channel hears of events: an event is missing");
  return {};
}

/// What no single member shows: the order of the steps, and the names in expressions.
expected<void> check_whole(const pipeline_spec& spec) {
  const bool is_joined = spec.sources.size() > 1;
  names_at_step known(spec);
  for (std::size_t i = 0; i < spec.steps.size(); ++i) {
    const auto path = within("steps", i);
    const bool aligns = std::holds_alternative<align_step>(spec.steps[i]);
    if (aligns && !is_joined) return refuse(path + ".align", "joins several sources, and there is one");
    if (aligns && i != 0) return refuse(path + ".align", "must be the first step");
    if (!aligns && i == 0 && is_joined) return refuse(path, "must be align: there are several sources");
    if (auto good = check_step(path, spec.steps[i], known); !good) return good;
  }
  if (!known.has_value()) return refuse("steps", "must make one value of the sources: a compute step is missing");
  if (auto good = check_sinks(spec); !good) return good;
  const auto by_name = [](const source_spec& each) { return each.sensor == 0; };
  if (spec.per_machine && std::ranges::none_of(spec.sources, by_name))
    return refuse("per", "needs a source with a selector, such as machine_type and name");
  return {};
}

expected<bool> read_member(pipeline_spec& spec, std::string_view member, const std::string& path, element value) {
  if (member == "name") return set(spec.name, text(path, value, most_name_bytes));
  if (member == "enabled") return set(spec.enabled, flag(path, value));
  if (member == "per") {
    auto per = text(path, value, most_name_bytes);
    if (!per) return tl::unexpected(std::move(per.error()));
    if (*per != "machine") return refuse(path, "must be machine");
    return spec.per_machine = true;
  }
  const auto append = [](auto& to, auto read) -> expected<void> {
    if (!read) return tl::unexpected(std::move(read.error()));
    to.push_back(std::move(*read));
    return {};
  };
  const auto done = [](expected<void> good) -> expected<bool> {
    if (!good) return tl::unexpected(std::move(good.error()));
    return true;
  };
  if (member == "sources")
    return done(
        for_each_member(path, value, [&](std::string_view name, const std::string& own, element content) -> expected<bool> {
          if (spec.sources.size() == limits::pipeline_sources)
            return refuse(path, "has more than " + std::to_string(limits::pipeline_sources) + " members");
          return done(append(spec.sources, read_source(own, name, content)));
        }));
  if (member == "steps")
    return done(for_each_entry(path, value, limits::pipeline_steps, [&](const std::string& own, element content) {
      return append(spec.steps, read_step(own, content));
    }));
  if (member == "sinks")
    return done(for_each_entry(path, value, limits::pipeline_sinks, [&](const std::string& own, element content) {
      return append(spec.sinks, read_sink(own, content));
    }));
  return false;
}

expected<element> parse(simdjson::dom::parser& parser, std::string_view json) {
  if (json.size() > limits::pipeline_text_bytes)
    return fail(errc::too_large, "A pipeline has at most " + std::to_string(limits::pipeline_text_bytes) + " bytes");
  element root;
  if (const auto code = parser.parse(json.data(), json.size()).get(root))
    return fail(errc::malformed, std::string("The body is no JSON: ") + simdjson::error_message(code));
  return root;
}

}  // namespace

std::size_t subject_source(const pipeline_spec& spec) {
  const auto selected = std::ranges::find(spec.sources, 0U, &source_spec::sensor);
  return spec.per_machine ? static_cast<std::size_t>(selected - spec.sources.begin()) : 0;
}

expected<pipeline_spec> parse_pipeline(std::string_view json) {
  simdjson::dom::parser parser;
  auto root = parse(parser, json);
  if (!root) return tl::unexpected(std::move(root.error()));
  pipeline_spec spec;
  std::vector<std::string_view> seen;
  auto read = for_each_member("", *root, [&](std::string_view member, const std::string& path, element value) {
    seen.push_back(member);
    return read_member(spec, member, path, value);
  });
  if (!read) return tl::unexpected(std::move(read.error()));
  for (const std::string_view required : {"name", "sources", "steps", "sinks"})
    if (std::ranges::find(seen, required) == seen.end()) return refuse(std::string(required), "is required");
  if (spec.sources.empty()) return refuse("sources", "must have a member");
  if (spec.sinks.empty()) return refuse("sinks", "must have an entry");
  if (auto good = check_whole(spec); !good) return tl::unexpected(std::move(good.error()));
  return spec;
}

expected<std::string> merge_pipeline(std::string_view json, std::string_view changes) {
  simdjson::dom::parser stored_parser, changes_parser;
  auto stored = parse(stored_parser, json), changed = parse(changes_parser, changes);
  if (!stored) return tl::unexpected(std::move(stored.error()));
  if (!changed) return tl::unexpected(std::move(changed.error()));
  std::vector<std::pair<std::string_view, element>> members;
  const auto take = [&](std::string_view name, const std::string&, element value) -> expected<bool> {
    const auto known = std::ranges::find(members, name, &std::pair<std::string_view, element>::first);
    if (known == members.end())
      members.emplace_back(name, value);
    else
      known->second = value;
    return true;
  };
  if (auto good = for_each_member("", *stored, take); !good) return tl::unexpected(std::move(good.error()));
  if (auto good = for_each_member("", *changed, take); !good) return tl::unexpected(std::move(good.error()));
  std::string out = "{";
  for (const auto& [name, value] : members) {
    if (name == "per" && value.is_null()) continue;  // null takes it away
    if (out.size() > 1) out += ',';
    out += '"';
    out += name;  // a known name needs no escapes; parse_pipeline refuses others
    out += "\":";
    out += simdjson::minify(value);
  }
  return out + "}";
}

}  // namespace factory
