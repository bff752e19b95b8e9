#include "common/config_diff.h"

#include <gtest/gtest.h>

namespace windlass {
namespace {

using Keys = std::vector<std::string>;

TEST(ConfigDiff, NothingDiffersBetweenAConfigurationAndItself) {
  EXPECT_EQ(UnchangeableKeysThatDiffer({}, {}), Keys{});
}

TEST(ConfigDiff, NamesEveryUnchangeableKeyThatDiffers) {
  Config wanted;
  wanted.master.control = "/run/other.sock";
  EXPECT_EQ(UnchangeableKeysThatDiffer({}, wanted), Keys{"master.control"});
  EXPECT_EQ(UnchangeableKeysThatDiffer(wanted, {}), Keys{"master.control"});
  wanted.master.user = "www";
  wanted.master.group = "web";
  wanted.master.max_processes = 7;
  EXPECT_EQ(UnchangeableKeysThatDiffer({}, wanted),
            (Keys{"master.control", "master.user", "master.group", "master.max_processes"}));
}

TEST(ConfigDiff, WhatAReloadMayChangeIsNotNamed) {
  Config wanted;
  wanted.source = "/etc/other.toml";
  wanted.master.drain_timeout = absl::Seconds(1);
  wanted.master.startup_timeout = absl::Seconds(1);
  wanted.master.max_generations = 5;
  wanted.master.pid_file = "/run/other.pid";
  wanted.workers.max = 9;
  wanted.workers.max_age = absl::Hours(1);
  wanted.pools[0].queue = 9;
  wanted.pools[0].max_jobs = 9;
  wanted.log.level = "debug";
  wanted.log.file = "/var/log/other.log";
  wanted.listeners.emplace_back();
  wanted.handlers.emplace_back();
  EXPECT_EQ(UnchangeableKeysThatDiffer({}, wanted), Keys{});
}

}  // namespace
}  // namespace windlass
