#include "pipelines/judge/stream_settings.hpp"

#include <gtest/gtest.h>

#include <random>

namespace factory {
namespace {

const auto allowed_lateness = setting_place::of_rules(setting::allowed_lateness);
const auto spike_sensitivity = setting_place::of_detector(detector::spike, setting::sensitivity);
const auto spike_on = setting_place::of_detector(detector::spike, setting::on);
const auto machine_sensitivity = setting_place::of_detector(detector::machine, setting::sensitivity);

TEST(stream_settings, change_what_they_set_and_nothing_else) {
  stream_settings settings;
  settings.set(spike_sensitivity, 0.5);
  settings.set(allowed_lateness, 3e6);
  settings.set(spike_sensitivity, 0.25);
  stream_rules rules, wanted;
  settings.apply_to(rules);
  wanted.allowed_lateness_us = 3'000'000;
  wanted.detect.of(detector::spike).sensitivity = 0.25;
  EXPECT_EQ(rules, wanted);
  settings.clear(detector::spike);
  EXPECT_FALSE(settings.find(spike_sensitivity));
  EXPECT_EQ(settings.find(allowed_lateness), 3e6);
}

TEST(stream_settings, of_the_machine_detector_are_none_of_a_sensors) {
  stream_settings settings;
  settings.set(machine_sensitivity, 0.5);
  stream_rules rules;
  settings.apply_to(rules);
  EXPECT_EQ(rules, stream_rules());
  detector_setting how;
  settings.apply_to(how);
  EXPECT_EQ(how.sensitivity, 0.5);
  EXPECT_TRUE(how.on);
}

TEST(stream_settings, that_make_rules_of_the_usual_ones_are_found_from_these) {
  stream_rules rules;
  rules.z_threshold = 3;
  rules.detect.physical_max = 90;
  rules.detect.of(detector::drift).on = false;
  rules.detect.of(detector::stuck).direction = deviation_direction::down;
  stream_rules again;
  const auto settings = stream_settings::of_unusual(rules);
  settings.apply_to(again);
  EXPECT_EQ(again, rules);
  EXPECT_EQ(settings.all().size(), 4U);
  EXPECT_TRUE(stream_settings::of_unusual({}).empty());
}

TEST(stream_settings, are_read_back_as_they_were_and_never_from_less) {
  std::mt19937 random(5);
  for (int round = 0; round < 200; ++round) {
    stream_settings settings;
    if (random() % 2 == 0) settings.set(allowed_lateness, static_cast<double>(random() % 100) * 1e6);
    if (random() % 2 == 0) settings.set(spike_on, static_cast<double>(random() % 2));
    if (random() % 2 == 0) settings.set(machine_sensitivity, 0.1 + static_cast<double>(random() % 10));
    std::string bytes;
    settings.encode(bytes);
    stream_settings again;
    std::string_view in = bytes;
    ASSERT_TRUE(again.decode(in));
    EXPECT_TRUE(in.empty());
    EXPECT_EQ(again, settings);
    for (std::size_t cut = 0; cut < bytes.size(); ++cut) {
      in = std::string_view(bytes).substr(0, cut);
      EXPECT_FALSE(again.decode(in)) << cut;
    }
  }
}

TEST(stream_settings, that_cannot_be_are_refused) {
  stream_settings nothing_known, dead;
  nothing_known.set({11, setting::on}, 1);
  dead.set(spike_sensitivity, 0);
  for (const auto* each : {&nothing_known, &dead}) {
    std::string bytes;
    each->encode(bytes);
    std::string_view in = bytes;
    stream_settings again;
    EXPECT_FALSE(again.decode(in));
  }
}

}  // namespace
}  // namespace factory
