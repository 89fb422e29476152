# What Vagrant itself reads out of a Vagrantfile, as JSON: one record a machine.
# Arguments: the Vagrantfile's folder.
require "json"
require "vagrant"

def private_addresses(config)
  config.vm.networks.select { |kind, _| kind == :private_network }.map { |_, options| options[:ip] }
end

# VirtualBox's configuration keeps sizes as calls of VBoxManage modifyvm.
def of_virtualbox(config, option)
  calls = config.vm.get_provider_config(:virtualbox).customizations.map(&:last)
  calls.find { |_, _, name| name == option }.last.to_i
end

environment = Vagrant::Environment.new(cwd: ARGV[0])
machines = environment.machine_names.map do |name|
  config = environment.vagrantfile.machine_config(name, nil, nil)[:config]
  libvirt = config.vm.get_provider_config(:libvirt)
  {
    name: name,
    hostname: config.vm.hostname,
    box: config.vm.box,
    addresses: private_addresses(config),
    libvirt: { cpus: libvirt.cpus, memory: libvirt.memory },
    virtualbox: { cpus: of_virtualbox(config, "--cpus"), memory: of_virtualbox(config, "--memory") },
    after_destroy: config.trigger.after_triggers.map { |trigger| trigger.run.inline }
  }
end
puts JSON.generate(machines)
