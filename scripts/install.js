// npm's install step. The prebuilt addon needs no step at all, so where scripts are blocked it works all the same; this
// only builds from source, where the platform has no prebuild or where npm_config_build_from_source asks for it.
'use strict'
const { join } = require('node:path')

const root = join(__dirname, '..')

function hasAddon() {
  if (process.env.npm_config_build_from_source === 'true') return false
  try {
    require('node-gyp-build')(root)
    return true
  } catch {
    return false
  }
}

if (!hasAddon()) {
  // node-gyp wants a folder of Node's headers and would download one. CMake takes them from node-api-headers, so an
  // almost empty folder will do.
  if (!process.env.npm_config_nodedir) process.env.npm_package_config_node_gyp_nodedir = join(__dirname, 'nodedir')
  process.env.npm_config_build_from_source = 'true'
  process.chdir(root)
  require('node-gyp-build/bin.js')
}
