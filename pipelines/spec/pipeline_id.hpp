#pragma once

#include <cstddef>
#include <cstdint>

#include "pipelines/model/reading.hpp"
#include "pipelines/spec/limits.hpp"

namespace factory {

using pipeline_id = std::uint32_t;  ///< 1 up

/// What the events of a pipeline's instance are about.
struct stream_subject {
  sensor_id sensor = 0;  ///< the first source: it stands for the instance
  pipeline_id pipeline = 0;
  std::uint32_t version = 1;
};

/// event_key::rule of a pipeline's events: the pipeline, and which of its sinks.
constexpr std::uint32_t pipeline_rule(pipeline_id pipeline, std::size_t sink) {
  return pipeline * static_cast<std::uint32_t>(limits::pipeline_sinks) + static_cast<std::uint32_t>(sink);
}
constexpr pipeline_id pipeline_of(std::uint32_t rule) { return rule / static_cast<std::uint32_t>(limits::pipeline_sinks); }
constexpr std::size_t sink_of(std::uint32_t rule) { return rule % limits::pipeline_sinks; }

}  // namespace factory
