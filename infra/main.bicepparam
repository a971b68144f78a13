using 'main.bicep'

// An example; docs/deploy.md tells of the rest. azd sets the two variables; by az, write the values here.
param name = 'sigil'
param tokenAudience = readEnvironmentVariable('SIGIL_TOKEN_AUDIENCE', '00000000-0000-0000-0000-000000000000')
param publications = [
  {
    subscriptionId: readEnvironmentVariable('AZURE_SUBSCRIPTION_ID', '00000000-0000-0000-0000-000000000000')
    galleryResourceGroups: [
      'images'
    ]
    sourceResourceGroups: [
      'build'
    ]
    sources: [
      'snapshot'
    ]
  }
]
