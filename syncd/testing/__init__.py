"""The public test kit: contracts for plug-ins, a fake CMS, a list, a faulty network and a manual clock."""
